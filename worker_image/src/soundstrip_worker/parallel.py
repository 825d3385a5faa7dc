"""Encodes an MP3 in segments, by several FFmpegs at once, and joins them.

Each reads the source from its start, passes what it decodes through the same filters, and cuts its
samples out behind them by count: so there is no seeking that could miss, and gaps in the timestamps
change nothing. What comes out has the same bytes as one FFmpeg's work without a bit reservoir,
or is refused.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from soundstrip_worker.children import Children
from soundstrip_worker.judgement import Ending
from soundstrip_worker.mp3.bridges import plan_bridges, survey
from soundstrip_worker.mp3.cuts import Segment, Span, samples_of
from soundstrip_worker.mp3.frames import Malformed, frame_samples
from soundstrip_worker.mp3.joining import CutInSilence, Disagreement, Part, join
from soundstrip_worker.mp3.recordings import Recording
from soundstrip_worker.mp3.xing import Music
from soundstrip_worker.places import Places
from soundstrip_worker.progress import Position, format_position, read_position

_REPORT_SECONDS = 0.5


class Command(Protocol):
    """Gives the command that encodes a span, the filters and all else being the whole's."""

    def __call__(self, *, span: Span, result: Path, progress: Path) -> list[str]:
        """Return it, as an argument list."""


class Task(msgspec.Struct, frozen=True):
    """What is to be encoded, and how it is cut; `rate` is the result's sample rate."""

    segments: tuple[Segment, ...]
    rate: int
    constant: bool
    """Of a constant bit rate."""
    most_bytes: int
    """What all segments together may take of the disk."""
    command: Command
    progress: Path
    """Where the sum of the segments' progress goes, as FFmpeg's own would."""


class Refused(msgspec.Struct, frozen=True):
    """Why there is no joined result: it has to be encoded in one go."""

    reason: str


class _Made(msgspec.Struct, frozen=True):
    """A segment, and the number of the file that has it."""

    segment: Segment
    number: int


def encode(
    task: Task, places: Places, *, children: Children, watch: Callable[[], None]
) -> Ending | Refused:
    """Make the result; return how the FFmpeg of its end ended.

    The segments lie beside the result until it is joined: together, twice its size and a little,
    and with bridges half of it more at most.
    """
    work = _Work(task, places, children, watch)
    try:
        return work.run()
    except (Malformed, Disagreement) as error:
        return Refused(str(error))
    finally:
        work.tidy()


class _Work:
    """One encode: the segments that are made, and what becomes of them."""

    def __init__(
        self, task: Task, places: Places, children: Children, watch: Callable[[], None]
    ) -> None:
        self._task = task
        self._places = places
        self._children = children
        self._watch = watch
        self._progress = _Progress(task, places)
        self._count = 0

    def run(self) -> Ending:
        made, ending = self._make(self._task.segments)
        try:
            self._join(made)
        except CutInSilence:
            self._join(self._bridge(made))
        self._progress.end()
        return ending

    def tidy(self) -> None:
        for number in range(self._count):
            self._places.segment(number).unlink(missing_ok=True)
            self._places.segment_progress(number).unlink(missing_ok=True)

    def _make(self, segments: Sequence[Segment]) -> tuple[list[_Made], Ending]:
        """Encode segments at the same time; return also how the last one's FFmpeg ended."""
        made = [_Made(segment, self._count + n) for n, segment in enumerate(segments)]
        self._count += len(made)
        finished = self._children.run_all([self._command(one) for one in made], watch=self._look)
        self._bound_size()
        if failed := [one.ending.status for one in finished if one.ending.status]:
            raise Malformed(f"FFmpeg ended with {failed[0]}")
        return made, finished[-1].ending

    def _command(self, made: _Made) -> list[str]:
        return self._task.command(
            span=samples_of(made.segment, self._task.rate),
            result=self._places.segment(made.number),
            progress=self._places.segment_progress(made.number),
        )

    def _look(self) -> None:
        self._watch()
        self._progress.tell()
        self._bound_size()

    def _bound_size(self) -> None:
        if sum(map(_size, map(self._places.segment, range(self._count)))) > self._task.most_bytes:
            raise Malformed("the segments are larger than the result may be")

    def _bridge(self, made: Sequence[_Made]) -> list[_Made]:
        sounds = [survey(one.segment, self._recording(one).frames(None)) for one in made]
        planned = plan_bridges(sounds)
        bridges = iter(self._make([segment for segment, is_new in planned if is_new])[0])
        numbers = iter(made)
        return [
            next(bridges) if is_new else _Made(segment, next(numbers).number)
            for segment, is_new in planned
        ]

    def _join(self, made: Sequence[_Made]) -> None:
        """Write the result: the first segment's ID3v2 tag and header, and the frames of all."""
        recordings = [self._recording(one) for one in made]
        parts = [
            Part(one.segment, recording.frames(self._samples(one)))
            for one, recording in zip(made, recordings, strict=True)
        ]
        first, last, music = recordings[0], recordings[-1], Music()
        with self._places.result.open("wb") as result:
            result.write(first.head())
            for frame in join(parts, through_silence=self._task.constant):
                music.add(frame)
                result.write(frame)
            result.seek(first.header_start)
            result.write(first.tag.tell(music, last.tag.padding))

    def _recording(self, made: _Made) -> Recording:
        recording = Recording(self._places.segment(made.number))
        if recording.rate != self._task.rate:
            raise Malformed("a segment has another sample rate")
        return recording

    def _samples(self, made: _Made) -> int | None:
        span = samples_of(made.segment, self._task.rate)
        return None if span.end is None else span.end - span.start


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class _Progress:
    """One `-progress` file that adds up those of the segments, for the mover."""

    def __init__(self, task: Task, places: Places) -> None:
        size = frame_samples(task.rate) / task.rate
        cuts = [segment.cut * size for segment in task.segments]
        self._spans = list(zip(cuts, [*cuts[1:], float("inf")], strict=True))
        self._places = places
        self._file = task.progress
        self._began = time.monotonic()
        self._told = self._began
        self._file.write_bytes(b"")

    def tell(self) -> None:
        """Write how far all are together, twice a second at most."""
        now = time.monotonic()
        if now - self._told < _REPORT_SECONDS:
            return
        self._told = now
        seconds = sum(self._made(number) for number in range(len(self._spans)))
        self._write(seconds, ended=False)

    def end(self) -> None:
        """Write how far the last segment came, which is where the media ends."""
        position = read_position(self._places.segment_progress(len(self._spans) - 1))
        self._write(position.seconds if position else 0.0, ended=True)

    def _made(self, number: int) -> float:
        """A segment's encoder tells the media's time; up to the cut it only warms up."""
        cut, end = self._spans[number]
        position = read_position(self._places.segment_progress(number))
        return min(max(position.seconds, cut), end) - cut if position else 0.0

    def _write(self, seconds: float, *, ended: bool) -> None:
        speed = seconds / max(1e-3, time.monotonic() - self._began)
        with self._file.open("ab") as file:
            file.write(format_position(Position(seconds, speed, ended)))
