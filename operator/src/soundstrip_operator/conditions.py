"""Conditions by the Kubernetes API conventions, and the sentences in them."""

import unicodedata
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from soundstrip_crds.audio import NEAR_LOUDNESS, ResolvedOutput
from soundstrip_crds.conversion import Condition, ConditionStatus, ConditionType, Result, Status
from soundstrip_crds.reasons import REMEDY, Reason

C = TypeVar("C", bound=Condition)

_ORDER: tuple[ConditionType, ...] = ("Accepted", "Succeeded", "Finished", "Notified")
_LIMIT = 1024


def set_condition(
    status: Status,
    kind: ConditionType,
    value: ConditionStatus,
    reason: str,
    message: str,
    *,
    generation: int,
    now: datetime,
) -> Status:
    """Return the status with this condition; its transition time moves only with its value."""
    condition = Condition(
        type=kind,
        status=value,
        reason=reason,
        message=sentence(message),
        last_transition_time=now.replace(microsecond=0),
        observed_generation=generation,
    )
    return _with(status, keep_transition(condition, status.condition(kind)))


def keep_transition(new: C, old: C | None) -> C:
    """Return the new condition with the old one's transition time, if its value is the same."""
    if old is None or old.status != new.status:
        return new
    return replace(new, last_transition_time=old.last_transition_time)


def observe(status: Status, generation: int) -> Status:
    """Return the status as one that speaks of this generation; otherwise as it was.

    `kubectl wait` ignores a condition that is behind the object.
    """
    conditions = tuple(replace(c, observed_generation=generation) for c in status.conditions)
    return replace(status, conditions=conditions, observed_generation=generation)


def explain(reason: Reason, cause: str = "") -> str:
    """Return the concrete cause, if one is known, and what a person can do."""
    if not cause.strip():
        return REMEDY[reason]
    remedy = REMEDY[reason]
    room = _LIMIT - len(remedy) - 2
    return f"{_ended(sentence(cause)[:room])} {remedy}"


def missed_loudness(output: ResolvedOutput | None, result: Result) -> str:
    """Return how loud a result is that is not as loud as was asked for; empty if it is."""
    wanted = output and output.loudness
    if not wanted:
        return ""
    if result.loudness is None:
        return "The audio is silent, so it has no loudness."
    made = result.loudness.integrated
    if abs(made - wanted.target) <= NEAR_LOUDNESS:
        return ""
    return (
        f"The loudness is {made:.1f} LUFS, not {wanted.target:g}: that is as near as it comes with "
        f"a true peak of {wanted.true_peak:g} dBTP; ask for less, or for a higher truePeak."
    )


def sentence(text: str) -> str:
    """Return text that others wrote as one line of printable characters, within the limit."""
    printable = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(printable.split())[:_LIMIT]


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _with(status: Status, condition: Condition) -> Status:
    by_type = {c.type: c for c in status.conditions} | {condition.type: condition}
    return replace(status, conditions=tuple(by_type[kind] for kind in _ORDER if kind in by_type))
