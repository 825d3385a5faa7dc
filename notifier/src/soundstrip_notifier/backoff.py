"""How long to wait before the next try. Pure, given its dice."""

from collections.abc import Callable, Iterator

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 15.0
_LEAST_SHARE = 0.75

Dice = Callable[[], float]
"""Returns a number from 0 up to 1, as `random.random` does."""


def reconnect_delays(dice: Dice) -> Iterator[float]:
    """Yield seconds for ever: doubled each time up to a cap, each between half and whole."""
    ceiling = FIRST_SECONDS
    while True:
        yield ceiling * (0.5 + dice() / 2)
        ceiling = min(ceiling * 2, LONGEST_SECONDS)


def expiration_milliseconds(seconds: int, dice: Dice) -> int:
    """Return how long a message stays in the delay queue of so many seconds: 75 to 100 % of it.

    Messages that failed together do not come back together. A queue expires its messages in order,
    so the spread is kept small.
    """
    return round(seconds * 1000 * (_LEAST_SHARE + dice() * (1 - _LEAST_SHARE)))
