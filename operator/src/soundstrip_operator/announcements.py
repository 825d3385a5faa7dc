"""What is told of a conversion: Kubernetes Events on it, and the event of its end."""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from msgspec import UNSET

from soundstrip_crds.conversion import Status, Try, VideoConversion
from soundstrip_crds.events import CloudEvent, ConversionFinished, EventType, event_id
from soundstrip_crds.names import API_VERSION, PLURAL
from soundstrip_crds.reasons import Reason
from soundstrip_operator.situation import run_of, tries_of
from soundstrip_operator.spans import conversion_context

Kind = Literal["Normal", "Warning"]


@dataclass(frozen=True)
class Announcement:
    """A Kubernetes Event on the object; `key` is the same however often it is told."""

    key: str
    kind: Kind
    reason: str
    message: str


def announce(before: Status, after: Status) -> tuple[Announcement, ...]:
    """Return what a person wants to read of the step from one status to the next."""
    run = run_of(after)
    again = run > run_of(before)
    told = _of_run(before, after) if not again else (_begun_again(run), *_of_run(Status(), after))
    return tuple(replace(one, key=f"{run}/{one.key}") for one in told)


def _begun_again(run: int) -> Announcement:
    return Announcement("begun", "Normal", "RunAgain", f"Run {run} begins.")


def _of_run(before: Status, after: Status) -> tuple[Announcement, ...]:
    return (*_of_acceptance(before, after), *_of_tries(before, after), *_of_outcome(before, after))


def finished_event(conversion: VideoConversion, contact: str | None) -> CloudEvent:
    """Return the event of the outcome, the same one whenever it is built.

    `contact` is the address in the source's metadata; it goes out only if the owner wants e-mail.
    """
    metadata, spec, status = conversion.metadata, conversion.spec, conversion.status
    succeeded, finished = status.condition("Succeeded"), status.condition("Finished")
    if succeeded is None or finished is None:
        raise ValueError(f"{metadata.name} has no outcome to announce")
    context = conversion_context(conversion)
    return CloudEvent(
        id=event_id(metadata.uid, run_of(status)),
        source=f"/{API_VERSION}/namespaces/{metadata.namespace}/{PLURAL}",
        type=_event_type(status),
        subject=metadata.name,
        time=finished.last_transition_time,
        traceparent=UNSET if context is None else str(context),
        data=ConversionFinished(
            name=metadata.name,
            namespace=metadata.namespace,
            uid=metadata.uid,
            run=run_of(status),
            owner=spec.owner,
            filename=spec.source.filename,
            source_file_id=spec.source.file_id,
            reason=Reason(succeeded.reason),
            message=succeeded.message,
            email=contact if spec.notify.email else None,
            result=status.result,
        ),
    )


def event_name(conversion: VideoConversion, announcement: Announcement) -> str:
    """Name the Kubernetes Event, so that it stands once however often it is written."""
    digest = hashlib.sha256(f"{conversion.metadata.uid}/{announcement.key}".encode())
    return f"{conversion.metadata.name}.{digest.hexdigest()[:16]}"


def _event_type(status: Status) -> EventType:
    succeeded = status.condition("Succeeded")
    if succeeded is not None and succeeded.status == "True":
        return "dev.soundstrip.conversion.succeeded"
    return "dev.soundstrip.conversion.failed"


def _of_acceptance(before: Status, after: Status) -> tuple[Announcement, ...]:
    old, new = before.condition("Accepted"), after.condition("Accepted")
    if new is None or new.status != "True" or (old is not None and old.status == "True"):
        return ()
    return (Announcement("accepted", "Normal", "Accepted", new.message),)


def _of_tries(before: Status, after: Status) -> tuple[Announcement, ...]:
    old = {one.number: one for one in tries_of(before)}
    told = []
    for one in tries_of(after):
        if one.number not in old:
            text = f"Try {one.number} runs as Job {one.job}."
            told.append(Announcement(f"try-{one.number}", "Normal", "TryStarted", text))
        if _failed_transiently(old.get(one.number), one) and _is_open(after):
            text = f"Try {one.number} failed, another follows. {one.reason}: {one.message}"
            told.append(Announcement(f"retry-{one.number}", "Warning", "Retrying", text))
    return tuple(told)


def _failed_transiently(old: Try | None, new: Try) -> bool:
    return new.finished_at is not None and (old is None or old.finished_at is None)


def _of_outcome(before: Status, after: Status) -> tuple[Announcement, ...]:
    succeeded = after.condition("Succeeded")
    if succeeded is None or _is_open(after) or not _is_open(before):
        return ()
    kind: Kind = "Normal" if succeeded.status == "True" else "Warning"
    return (Announcement("outcome", kind, succeeded.reason, succeeded.message),)


def _is_open(status: Status) -> bool:
    succeeded = status.condition("Succeeded")
    return succeeded is None or succeeded.status == "Unknown"
