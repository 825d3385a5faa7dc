"""What of a conversion its owner can change: decisions over what is known of it."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from soundstrip_crds.conversion import Priority, VideoConversion
from soundstrip_crds.names import BATCH_KIND
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.refusals import conflict
from soundstrip_gateway.views import Ready, Underway, finished_at, is_due_again, judge

Ttl = Annotated[
    int,
    Meta(ge=0, le=315_360_000, description="seconds that it stays after its end; null: as usual"),
]


class ConversionPatch(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is to be otherwise (RFC 7396): what is left out stays, null means the default."""

    suspend: bool | UnsetType | None = UNSET
    cancelled: bool | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    ttl_seconds_after_finished: Ttl | UnsetType | None = UNSET


def plan_change(conversion: VideoConversion, patch: ConversionPatch) -> dict[str, Any]:
    """Return the members of the spec that change, by their names in the object.

    Raises:
        Problem: 409 if it is too late for that, or another decides it.
    """
    if patch.cancelled is not UNSET and not patch.cancelled and conversion.spec.cancelled:
        raise conflict("What is cancelled stays so; POST to its `retry` to have it run again.")
    if finished_at(conversion) is not None and (patch.suspend or patch.cancelled):
        raise conflict("It has finished; there is nothing to suspend or to cancel.")
    if _is_led_by_a_batch(conversion) and not (patch.suspend is UNSET is patch.priority):
        raise conflict("Its batch decides on suspend and priority; change them there.")
    return _members(patch, {"suspend": False, "cancelled": False, "priority": 0})


def plan_retry(conversion: VideoConversion) -> dict[str, Any]:
    """Return what makes a failed or cancelled conversion run again.

    Raises:
        Problem: 409 if it can't.
    """
    if is_due_again(conversion):
        raise conflict("It is about to run again already.")
    match judge(conversion):
        case Ready():
            raise conflict("It has succeeded; only what failed or was cancelled runs again.")
        case Underway():
            raise conflict("It has not finished yet; wait for its end, or cancel it first.")
        case _:
            return {"run": conversion.spec.run + 1, "cancelled": False, "suspend": False}


def charge_of_retry(conversion: VideoConversion) -> Charge:
    """Return what the next run is charged; once, however often it is asked for."""
    name, media = conversion.metadata.name, conversion.status.media
    known = media.duration_seconds if media else conversion.spec.source.duration_seconds
    return Charge(f"{name}/{conversion.metadata.uid}/{conversion.spec.run + 1}", name, known)


def _members(patch: msgspec.Struct, defaults: dict[str, Any]) -> dict[str, Any]:
    """Null takes a member without a default away, which is what a merge patch does too."""
    given: dict[str, Any] = msgspec.to_builtins(patch)
    return {name: defaults.get(name) if value is None else value for name, value in given.items()}


def _is_led_by_a_batch(conversion: VideoConversion) -> bool:
    owners = conversion.metadata.owner_references
    return finished_at(conversion) is None and any(
        owner.kind == BATCH_KIND and owner.controller for owner in owners
    )
