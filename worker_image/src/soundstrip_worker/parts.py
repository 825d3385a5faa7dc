"""The part of a source that FFmpeg is going to read, as its own demuxer tells beforehand."""

from collections.abc import Callable, Sequence

from soundstrip_media.ranges import Range
from soundstrip_worker import probing
from soundstrip_worker.children import Drain, Finished, Room
from soundstrip_worker.coverage import Coverage
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.encoding import Input
from soundstrip_worker.recipe import Recipe
from soundstrip_worker.seeking import (
    Seek,
    is_early,
    parse_landing,
    second_of,
    starts_of,
    stop_of,
)

_ANSWER = Room(probing.OUTPUT_LIMIT)

_BEHIND_SECONDS = 0.5
"""What FFmpeg reads behind the part before it is known to be over."""

_BEFORE_SECONDS = 0.001
"""A packet's own time may be told a little too late to lead to it."""

Probing = Callable[[list[str], Room | Drain], Finished]


class Part:
    """What is read of one source for one recipe."""

    def __init__(self, probe: Probing, source: Input, recipe: Recipe) -> None:
        self._probe = probe
        self._source = source
        self._recipe = recipe
        self._begin: float | None = None

    def find(self) -> Seek | None:
        """Return where FFmpeg is to begin; None for the beginning, if it can't be led near."""
        trim, demuxer = self._recipe.output.trim, self._source.demuxer
        second = second_of(trim)
        if trim is None or not second:
            return None
        found = [self._land(start) for start in starts_of(second, demuxer)]
        if not is_early(found, trim, self._source.probe.origin):
            return None
        self._begin = min(each for each in found if each is not None)
        return Seek(second, grid=self._grid(second))

    def is_inside(self, ranges: Sequence[Range]) -> bool:
        """Tell whether all that FFmpeg is going to read of the track lies in the ranges."""
        stop = stop_of(self._recipe.output.trim)
        arguments = probing.positions_arguments(
            self._source.media,
            self._source.demuxer,
            self._recipe.stream.track.index,
            start=None if self._begin is None else self._begin - _BEFORE_SECONDS,
            stop=None if stop is None else self._source.probe.origin + stop + _BEHIND_SECONDS,
        )
        coverage = Coverage(ranges, self._recipe.stream.place)
        done = self._probe(arguments, Drain(coverage.take))
        failed = done.ending.status or done.ending.timed_out
        return not failed and coverage.holds()

    def _grid(self, second: int) -> float | None:
        """Matroska rounds to milliseconds; Vorbis has packets of different lengths."""
        stream = self._recipe.stream
        if self._source.demuxer is not Demuxer.MATROSKA or stream.track.codec == "vorbis":
            return None
        return stream.begins - second

    def _land(self, start: float) -> float | None:
        media, demuxer = self._source.media, self._source.demuxer
        done = self._probe(probing.landing_arguments(media, demuxer, start), _ANSWER)
        failed = done.ending.status or done.ending.timed_out
        return None if failed else parse_landing(done.output, self._recipe.stream.place)
