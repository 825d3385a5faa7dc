"""Tries again what MongoDB did not do: a few times, with growing and random waits."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from soundstrip_crds.job import ExitCode
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_worker.failures import Disrupted
from soundstrip_worker.journal import Journal

_TRIES = 5
_FIRST_WAIT_SECONDS = 0.5

T = TypeVar("T")


def insist(
    action: Callable[[], T], journal: Journal, *, pause: Callable[[float], None] = time.sleep
) -> T:
    """Return what the action returns; `pause` waits for so many seconds between two tries.

    Raises:
        Disrupted: STORAGE_UNAVAILABLE after five tries.
    """
    for number in range(1, _TRIES + 1):
        try:
            return action()
        except StorageUnavailable as error:
            journal.warning("storage", error=str(error), attempt=number)
            if number == _TRIES:
                raise Disrupted(ExitCode.STORAGE_UNAVAILABLE, f"{error}.") from error
        wait = _FIRST_WAIT_SECONDS * 2 ** (number - 1)
        pause(wait * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
    raise AssertionError
