"""Several runs of FFmpeg over the same media, shown as one: the loudness is measured first."""

import time

from soundstrip_worker.places import Places, publish
from soundstrip_worker.progress import Position, format_position, read_position

_PERIOD_SECONDS = 0.5


class Passes:
    """Sums up the passes' progress for the mover, as if each took a share of the media's time."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._before = 0.0
        self._share = 0.0
        self._left = 1.0
        self._told = 0.0

    def begin(self, share: float) -> None:
        """Another pass begins, which takes this share of the time that the others have left."""
        position = read_position(self._places.pass_progress)
        if position:
            self._before += self._share * position.seconds
        self._share = share * self._left
        self._left -= self._share
        self._places.pass_progress.unlink(missing_ok=True)

    def tell(self) -> None:
        """Show how far it is, twice a second at most."""
        if time.monotonic() - self._told >= _PERIOD_SECONDS:
            self._told = time.monotonic()
            self._publish()

    def end(self) -> None:
        """Show where the last pass ended."""
        self._publish()

    def _publish(self) -> None:
        position = read_position(self._places.pass_progress)
        if position:
            content = format_position(sum_up(position, self._before, self._share))
            publish(self._places.progress, content)


def sum_up(position: Position, before: float, share: float) -> Position:
    """Return a pass's position among all passes."""
    speed = None if position.speed is None else position.speed * share
    return Position(before + share * position.seconds, speed, position.ended)
