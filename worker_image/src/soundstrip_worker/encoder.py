"""Makes the result of a recipe with FFmpeg.

The audio is measured beforehand where its loudness is to be another, and encoded by all cores
where that gives the same bytes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

import msgspec

from soundstrip_crds.audio import Loudness
from soundstrip_worker import encoding, judgement, loudness, parallel
from soundstrip_worker.children import Children
from soundstrip_worker.encoding import Input
from soundstrip_worker.filters import chain, measured_chain
from soundstrip_worker.journal import Journal
from soundstrip_worker.judgement import Ending
from soundstrip_worker.mp3.cuts import Extent, plan_segments
from soundstrip_worker.passes import Passes
from soundstrip_worker.places import Places
from soundstrip_worker.recipe import Recipe, Shape, extent_of

_MEASURING_SHARE = 0.3
_ANALYSING_SHARE = 0.4
"""Of the time of all passes, about what they take."""


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

    @property
    def progress(self) -> Path:
        """Where the FFmpeg that made the result told how far it came."""
        return self._places.pass_progress if self._passes else self._places.progress

    def make(self, task: Making) -> Ending:
        """Make the result, and return how the FFmpeg that made it ended.

        Raises:
            Rejected: CORRUPT_MEDIA if the loudness cannot be measured.
            Disrupted: If the world kept FFmpeg from measuring it.
        """
        self._passes = None
        shape, wanted = task.recipe.shape, task.recipe.output.loudness
        gain = self._find_gain(task, shape, wanted) if shape and wanted else ""
        extent = extent_of(task.recipe, task.source.probe)
        command = partial(
            encoding.making_arguments,
            task.source,
            task.recipe,
            chain=chain(task.recipe, shape, gain) if shape else "",
            picture=task.picture,
            most_bytes=task.most_bytes,
            reservoir=extent is None,
        )
        ending = self._make_in_parallel(task, command, extent) if extent else None
        return ending or self._run(command(result=self._places.result, progress=self.progress))

    def _make_in_parallel(
        self, task: Making, command: parallel.Command, extent: Extent
    ) -> Ending | None:
        segments = plan_segments(extent, self._cores)
        if len(segments) == 1:
            return None
        work = parallel.Task(
            segments=segments,
            rate=extent.rate,
            constant=task.recipe.output.quality is None,
            most_bytes=task.most_bytes,
            command=command,
            progress=self.progress,
        )
        outcome = parallel.encode(work, self._places, children=self._children, watch=self._watch)
        match outcome:
            case parallel.Refused(reason):
                self._journal.warning("encoding again, in one go", reason=reason)
                return None
            case Ending():
                self._journal.info("joined", segments=len(segments))
                self._end_pass()
                return outcome
            case _:
                assert_never(outcome)

    def _find_gain(self, task: Making, shape: Shape, wanted: Loudness) -> str:
        """Return the filter that brings the audio to the wanted loudness, measured beforehand."""
        passes = self._passes = Passes(self._places)
        log = self._measure(task, shape, loudness.MEASURE, _MEASURING_SHARE)
        measured = loudness.parse_summary(log.complaints)
        if measured is None and log.status:
            raise judgement.damaged(log)
        gain = loudness.linear_gain(measured, wanted) if measured else loudness.NO_GAIN
        if gain is None:
            analyser = loudness.analysis_filter(wanted)
            log = self._measure(task, shape, analyser, _ANALYSING_SHARE)
            analysis = loudness.parse_analysis(log.complaints)
            if analysis is None:
                raise judgement.damaged(log)
            gain = loudness.dynamic_gain(analysis, wanted)
        self._journal.info("loudness measured", gain=gain)
        passes.begin(passes.left)
        return gain

    def _measure(self, task: Making, shape: Shape, meter: str, share: float) -> Ending:
        if self._passes:
            self._passes.begin(share)
        arguments = encoding.measuring_arguments(
            task.source,
            task.recipe,
            chain=f"{measured_chain(task.recipe, shape)},{meter}",
            progress=self.progress,
        )
        ending = self._run(arguments)
        judgement.require_end(ending)
        return ending

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
