"""Makes the result of a recipe with FFmpeg.

The audio is measured, before and after, where its loudness is to be another, and encoded by all
cores where that gives the same bytes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

import msgspec

from soundstrip_crds.audio import Loudness
from soundstrip_worker import encoding, judgement, parallel
from soundstrip_worker.children import Children
from soundstrip_worker.encoding import Input
from soundstrip_worker.filters import chain, measured_chain
from soundstrip_worker.formats import FILES
from soundstrip_worker.journal import Journal
from soundstrip_worker.judgement import Ending
from soundstrip_worker.levelling import level
from soundstrip_worker.loudness import METER, Measured, parse_summary
from soundstrip_worker.mp3.cuts import Extent, plan_segments
from soundstrip_worker.passes import Passes
from soundstrip_worker.places import Places
from soundstrip_worker.progress import Position, read_position
from soundstrip_worker.recipe import Recipe, Shape, extents_of

_MEASURING_SHARE = 0.3
_ENCODING_SHARE = 0.8
_REVIEWING_SHARE = 0.5
"""Of the time that is left, about what they take, if nothing has to be done once more."""


class Making(msgspec.Struct, frozen=True):
    """What is to be made: of what, how, with which video stream for a cover, and how large."""

    source: Input
    recipe: Recipe
    picture: int | None
    most_bytes: int


class Encoder:
    """Runs FFmpeg, once or several times for one result."""

    def __init__(
        self,
        places: Places,
        *,
        cores: int,
        children: Children,
        watch: Callable[[], None],
        journal: Journal,
    ) -> None:
        """Take `watch` for what is to be looked at while FFmpeg works; it ends that by raising."""
        self._places = places
        self._cores = cores
        self._children = children
        self._watch_others = watch
        self._journal = journal
        self._passes: Passes | None = None
        self.position: Position | None = None
        """How far the FFmpeg came that made the result."""
        self.heard: Measured | None = None
        """The result's loudness, if one was asked for and it has any."""

    def make(self, task: Making) -> Ending:
        """Make the result, and return how the FFmpeg that made it ended.

        Raises:
            Rejected: CORRUPT_MEDIA if the loudness cannot be measured.
            Disrupted: If the world kept FFmpeg from measuring it.
        """
        self._passes, self.position, self.heard = None, None, None
        shape, wanted = task.recipe.shape, task.recipe.output.loudness
        if shape is None or wanted is None:
            return self.encode(task)
        return self._make_level(task, shape, wanted)

    def encode(self, task: Making, gain: str = "") -> Ending:
        """Make the result through the filters of `gain`, whatever its loudness."""
        source, recipe, shape = task.source, task.recipe, task.recipe.shape
        extents = extents_of(recipe, source.probe, source.demuxer, gain)
        command = partial(
            encoding.making_arguments,
            source,
            recipe,
            chain=chain(recipe, shape, gain) if shape else "",
            picture=task.picture,
            most_bytes=task.most_bytes,
            reservoir=not extents,
        )
        tried = (self._make_in_parallel(task, command, extent) for extent in extents)
        ending = next(filter(None, tried), None)
        ending = ending or self._run(command(result=self._places.result, progress=self._progress))
        self.position = read_position(self._progress)
        return ending

    def listen(self, arguments: list[str]) -> Ending:
        """Run a command whose last filter is the meter.

        Raises:
            Rejected, Disrupted: If anything kept FFmpeg from coming to an end.
        """
        ending = self._run(arguments)
        judgement.require_end(ending)
        return ending

    def _make_level(self, task: Making, shape: Shape, wanted: Loudness) -> Ending:
        passes = self._passes = Passes(self._places)
        studio = _Studio(self, passes, task, shape, places=self._places, journal=self._journal)
        levelled = level(studio, wanted, shape.encoder.softer)
        self.heard = levelled.heard
        return levelled.ending

    @property
    def _progress(self) -> Path:
        return self._places.pass_progress if self._passes else self._places.progress

    def _make_in_parallel(
        self, task: Making, command: Callable[..., list[str]], extent: Extent
    ) -> Ending | None:
        segments = plan_segments(extent, self._cores)
        if len(segments) == 1:
            return None
        work = parallel.Task(
            segments=segments,
            rate=extent.rate,
            constant=task.recipe.output.quality is None,
            most_bytes=task.most_bytes,
            command=partial(command, leaps=extent.leaps),
            progress=self._progress,
        )
        outcome = parallel.encode(work, self._places, children=self._children, watch=self._watch)
        match outcome:
            case parallel.Refused(reason):
                tell = self._journal.info if extent.leaps else self._journal.warning
                tell("encoding again", leaps=extent.leaps, reason=reason)
                return None
            case Ending():
                self._journal.info("joined", segments=len(segments), leaps=extent.leaps)
                self._end_pass()
                return outcome
            case _:
                assert_never(outcome)

    def _run(self, arguments: list[str]) -> Ending:
        done = self._children.run(arguments, watch=self._watch)
        self._end_pass()
        return done.ending

    def _end_pass(self) -> None:
        if self._passes:
            self._passes.end()

    def _watch(self) -> None:
        if self._passes:
            self._passes.tell()
        self._watch_others()


class _Studio:
    """The passes over one source, for `levelling`."""

    def __init__(
        self,
        encoder: Encoder,
        passes: Passes,
        task: Making,
        shape: Shape,
        *,
        places: Places,
        journal: Journal,
    ) -> None:
        self._encoder = encoder
        self._passes = passes
        self._task = task
        self._shape = shape
        self._places = places
        self._journal = journal

    def measure(self, filters: str) -> Measured | None:
        self._passes.begin(_MEASURING_SHARE)
        ending = self._encoder.listen(
            encoding.measuring_arguments(
                self._task.source,
                self._task.recipe,
                chain=f"{measured_chain(self._task.recipe, self._shape, filters)},{METER}",
                progress=self._places.pass_progress,
            )
        )
        measured = parse_summary(ending.complaints)
        if measured is None and ending.status:
            raise judgement.damaged(ending)
        self._tell("loudness measured", measured, filters)
        return measured

    def encode(self, filters: str) -> Ending:
        self._passes.begin(_ENCODING_SHARE if self._is_lossy else 1.0)
        return self._encoder.encode(self._task, filters)

    def review(self, ending: Ending) -> Measured | None:
        if ending.status or not self._is_lossy:
            return None
        self._passes.begin(_REVIEWING_SHARE)
        demuxer = FILES[self._task.recipe.file_type].demuxer
        result = Input(self._places.result, demuxer, self._task.source.probe)
        arguments = encoding.reviewing_arguments(
            result, chain=METER, progress=self._places.pass_progress
        )
        measured = parse_summary(self._encoder.listen(arguments).complaints)
        self._tell("result measured", measured)
        return measured

    @property
    def _is_lossy(self) -> bool:
        return not self._shape.depth

    def _tell(self, event: str, measured: Measured | None, filters: str = "") -> None:
        found = {"lufs": measured.integrated, "dbtp": measured.peak} if measured else {}
        self._journal.info(event, filters=filters, **found)
