"""Matroska's index: at which times a track's clusters begin (RFC 9559, 5.1.5)."""

from bisect import bisect_right
from dataclasses import dataclass, field

from soundstrip_media.ebml import Element, read_number, walk
from soundstrip_media.reading import Budget, NotUnderstood, Readable

_CUE_POINT = 0xBB
_CUE_TIME = 0xB3
_CUE_TRACK_POSITIONS = 0xB7
_CUE_TRACK = 0xF7
_CUE_CLUSTER_POSITION = 0xF1


@dataclass
class Cues:
    """One track's times, in order, and the file's positions that they lead to."""

    times: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    def add(self, time: int, position: int) -> None:
        """Add a time and its position.

        Raises:
            NotUnderstood: If either lies before the last one.
        """
        if self.times and (time < self.times[-1] or position < self.positions[-1]):
            raise NotUnderstood("its index is in no order")
        self.times.append(time)
        self.positions.append(position)

    def find(self, time: float) -> int | None:
        """Return the position of the last time that is not later than this one, if any."""
        number = bisect_right(self.times, time)
        return self.positions[number - 1] if number else None


def read_cues(file: Readable, cues: Element, origin: int, budget: Budget) -> dict[int, Cues]:
    """Read an index, by the number of the track; positions count from `origin`.

    Raises:
        NotUnderstood: If it is contradictory, or larger than the budget.
    """
    file.expect(cues.start, cues.stop)
    found: dict[int, Cues] = {}
    for point in walk(file, cues.body, cues.stop, budget):
        if point.id == _CUE_POINT:
            _read_point(file, point, origin, budget, found)
    return found


def _read_point(
    file: Readable, point: Element, origin: int, budget: Budget, found: dict[int, Cues]
) -> None:
    parts = list(walk(file, point.body, point.stop, budget))
    time = the_number(file, parts, _CUE_TIME)
    for places in parts:
        if places.id == _CUE_TRACK_POSITIONS:
            inside = list(walk(file, places.body, places.stop, budget))
            track = the_number(file, inside, _CUE_TRACK)
            position = the_number(file, inside, _CUE_CLUSTER_POSITION)
            found.setdefault(track, Cues()).add(time, origin + position)


def the_number(
    file: Readable, elements: list[Element], wanted: int, default: int | None = None
) -> int:
    """Return the number that one of the elements holds.

    Raises:
        NotUnderstood: If there are several, or there is none and no default.
    """
    found = [element for element in elements if element.id == wanted]
    if len(found) > 1 or (not found and default is None):
        raise NotUnderstood("an element is missing, or there twice")
    return read_number(file, found[0]) if found else default or 0
