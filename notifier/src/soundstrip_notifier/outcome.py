"""What became of a message, and what therefore happens to it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

ATTEMPTS_HEADER = "x-soundstrip-attempts"
"""How many tries have failed so far."""

REASON_HEADER = "x-soundstrip-reason"
"""Why the last try failed, or why there will be no other."""

_LONGEST_REASON = 500


@dataclass(frozen=True)
class Done:
    """It was delivered now or before, or there is nothing to do."""

    how: str


@dataclass(frozen=True)
class Failed:
    """The try failed; a later one may not."""

    reason: str


@dataclass(frozen=True)
class Postponed:
    """There was no try at all, since our own memory of deliveries is away."""

    reason: str


@dataclass(frozen=True)
class Hopeless:
    """No later try would end otherwise."""

    reason: str


Outcome = Done | Failed | Postponed | Hopeless


@dataclass(frozen=True)
class Acknowledge:
    """Forget the message."""


@dataclass(frozen=True)
class Delay:
    """Put the message aside; `seconds` names the delay queue."""

    seconds: int
    attempts: int
    reason: str


@dataclass(frozen=True)
class Bury:
    """Put the message on the dead queue, from which a person can have it replayed."""

    attempts: int
    reason: str


Settlement = Acknowledge | Delay | Bury


def decide(outcome: Outcome, attempts: int, delays: Sequence[int]) -> Settlement:
    """Say what happens to a message that failed `attempts` times before this outcome.

    `delays` are the seconds before the second try, the third and so on; when they are used up the
    message is buried. A postponement uses up nothing: MongoDB may stay away for long.
    """
    match outcome:
        case Done():
            return Acknowledge()
        case Postponed(reason):
            return Delay(delays[min(1, len(delays) - 1)], attempts, reason)
        case Failed(reason) if attempts < len(delays):
            return Delay(delays[attempts], attempts + 1, reason)
        case Failed(reason):
            return Bury(attempts + 1, f"given up after {attempts + 1} tries: {reason}")
        case Hopeless(reason):
            return Bury(attempts + 1, reason)
        case _:
            assert_never(outcome)


def count_attempts(headers: Mapping[str, object] | None) -> int:
    """Return how often the message has failed; what is no such number counts as never."""
    value = (headers or {}).get(ATTEMPTS_HEADER)
    return value if type(value) is int and value >= 0 else 0


def mark_headers(
    headers: Mapping[str, object] | None, attempts: int, reason: str
) -> dict[str, object]:
    """Return the headers of a message that is put aside or buried."""
    short = " ".join(reason.split())[:_LONGEST_REASON]
    return clear_headers(headers) | {ATTEMPTS_HEADER: attempts, REASON_HEADER: short}


def clear_headers(headers: Mapping[str, object] | None) -> dict[str, object]:
    """Return the headers without our marks and without RabbitMQ's history of dead-lettering.

    The history would grow with every round, and older RabbitMQs read cycles into it.
    """
    return {
        name: value
        for name, value in (headers or {}).items()
        if name not in {ATTEMPTS_HEADER, REASON_HEADER}
        and not name.startswith(("x-death", "x-first-death-", "x-last-death-"))
    }
