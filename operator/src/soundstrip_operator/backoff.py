"""When the next try may start: a function of the status alone, so a restart changes nothing."""

import hashlib
from datetime import datetime, timedelta

from soundstrip_crds.conversion import Try
from soundstrip_crds.reasons import Reason
from soundstrip_operator.policy import Policy

_FEW_TRIES = {Reason.OUT_OF_MEMORY: 2, Reason.DEADLINE_EXCEEDED: 2}
"""These ends are likely to repeat, and cost most."""


def may_retry(tries: tuple[Try, ...], policy: Policy) -> bool:
    """Say whether another try may follow these, the last of which ended transiently."""
    tries = tuple(one for one in tries if one.reason != Reason.SUSPENDED)
    reason = tries[-1].reason
    same = sum(1 for one in tries if one.reason == reason)
    most = _FEW_TRIES.get(Reason(reason), policy.max_tries) if reason else policy.max_tries
    return len(tries) < policy.max_tries and same < most


def next_start(uid: str, last: Try, policy: Policy) -> datetime:
    """Return the earliest start of the try that follows a finished one."""
    ended = last.finished_at or last.started_at
    if last.reason == Reason.SUSPENDED:
        return ended
    return ended + timedelta(seconds=delay(uid, last.number, policy))


def delay(uid: str, number: int, policy: Policy) -> float:
    """Return the seconds to wait after the try with this number.

    Exponential up to the cap, of which up to a half is taken off: the part is drawn from the uid,
    so that conversions that failed together do not come back together, and the same for ever.
    """
    exponent = min(number - 1, 20)
    full = min(policy.retry_cap, policy.retry_base * policy.retry_factor**exponent)
    draw = hashlib.sha256(f"{uid}/{number}".encode()).digest()[:4]
    return full * (1 - int.from_bytes(draw) / 2**33)


def memory_growth(tries: tuple[Try, ...]) -> int:
    """Return by how much the next try's memory is multiplied: doubled by each OutOfMemory."""
    return 1 << sum(1 for one in tries if one.reason == Reason.OUT_OF_MEMORY)
