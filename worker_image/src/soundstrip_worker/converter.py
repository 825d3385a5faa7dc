"""The converter: makes the audio of a source that the mover brought, with no credential at all."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from soundstrip_crds.conversion import MeasuredLoudness, Media
from soundstrip_crds.job import ConverterReport, ExitCode, JobPlan
from soundstrip_media.ranges import Range
from soundstrip_worker import judgement, probing
from soundstrip_worker.answers import (
    Basis,
    Claim,
    Probe,
    parse_last_packet,
    parse_length,
    parse_probe,
)
from soundstrip_worker.children import Children, Drain, Finished, Room
from soundstrip_worker.completeness import is_cut_off
from soundstrip_worker.coverage import decode_ranges
from soundstrip_worker.demuxers import HEAD_SIZE, Container, Demuxer, recognise
from soundstrip_worker.encoder import Encoder, Making
from soundstrip_worker.encoding import Input
from soundstrip_worker.failures import Rejected
from soundstrip_worker.formats import FILES
from soundstrip_worker.journal import Journal
from soundstrip_worker.judgement import Ending, Made, Verdict
from soundstrip_worker.lifeline import Peer, PeerState
from soundstrip_worker.parts import Part
from soundstrip_worker.pictures import is_fit_picture
from soundstrip_worker.places import Places, publish
from soundstrip_worker.recipe import Recipe, beyond_the_end, decide, holds_picture
from soundstrip_worker.waiting import Pauses

_ANSWER = Room(probing.OUTPUT_LIMIT)


class Converter:
    """Converts one source."""

    def __init__(
        self, plan: JobPlan, places: Places, *, mover: Peer, children: Children, journal: Journal
    ) -> None:
        self._plan = plan
        self._places = places
        self._mover = mover
        self._children = children
        self._journal = journal
        self._encoder = Encoder(
            places, cores=plan.cores, children=children, watch=self._watch, journal=journal
        )
        self._look: Future[None] | None = None
        self.media: Media | None = None

    def run(self) -> ConverterReport:
        """Wait for the source, convert it, and leave the report for the mover.

        Raises:
            Rejected: If the source cannot be converted.
            Disrupted: If the mover ended early, the disk is full, or FFmpeg was killed.
        """
        if not self._wait_for(self._places.media):
            return ConverterReport(message="The result was stored before.")
        report = self._try_parts() or self._work()
        self._places.result.chmod(0o644)
        publish(self._places.report, msgspec.json.encode(report))
        return report

    def _try_parts(self) -> ConverterReport | None:
        """Convert a source that has holes; None if it has none, or no longer.

        No refusal of such a source is final: the index that the mover read may have lied.
        """
        if not self._places.ranges.exists():
            return None
        ranges = decode_ranges(self._places.ranges.read_bytes())
        try:
            return self._work(ranges)
        except Rejected as reason:
            self._journal.info("whole source wanted", why=reason.message)
        publish(self._places.wanted, b"")
        self._wait_for(self._places.whole)
        return None

    def _work(self, ranges: Sequence[Range] | None = None) -> ConverterReport:
        """Convert the source, of which there is what is in the ranges, or all."""
        container = self._recognise()
        probe = self._describe(container)
        self.media = probe.media
        publish(self._places.media_report, msgspec.json.encode(probe.media))
        recipe = decide(self._plan.output, probe)
        source = Input(self._places.media, container.demuxer, probe)
        part = Part(self._probe, source, recipe)
        recipe = replace(recipe, seek=part.find())
        if ranges is None:
            seconds = self._convert(source, recipe)
        else:
            with self._packets_required(recipe, part, ranges):
                seconds = self._convert(source, recipe)
        return ConverterReport(
            duration_seconds=round(seconds, 3),
            media=probe.media,
            file_type=recipe.file_type,
            copied=recipe.copied,
            loudness=self._loudness(),
        )

    def _wait_for(self, path: Path) -> bool:
        """Return whether the mover put it there: if not, there is nothing to convert."""
        pauses = Pauses()
        while not path.exists():
            state = self._mover.state()
            if self._places.stored.exists():
                return False
            if state is PeerState.GONE:
                raise self._mover.lost()
            pauses.take()
        return True

    def _recognise(self) -> Container:
        with self._places.media.open("rb") as media:
            head = media.read(HEAD_SIZE)
        container = recognise(head)
        if container is None:
            what = "is not a video or audio that can be read here" if head else "is empty"
            raise Rejected(ExitCode.UNSUPPORTED_MEDIA, f"The file {what}.")
        if is_cut_off(head, container.demuxer, _size(self._places.media)):
            raise Rejected(
                ExitCode.CORRUPT_MEDIA, "The file is cut off: its header says that it is longer."
            )
        self._journal.info("recognised", container=container.name)
        return container

    def _describe(self, container: Container) -> Probe:
        done = self._probe(probing.ffprobe_arguments(self._places.media, container.demuxer))
        probe = parse_probe(done.output, container)
        if probe is None or done.ending.status or done.ending.timed_out:
            raise judgement.refuse_probe(done.ending)
        return probe

    @contextmanager
    def _packets_required(
        self, recipe: Recipe, part: Part, ranges: Sequence[Range]
    ) -> Iterator[None]:
        """Look whether a source with holes has all its audio, beside the FFmpegs that take it.

        Of a part they hold the whole source's index: there the look comes first, for together they
        would take more memory than either.
        """
        look = partial(_require_packets, part, ranges)
        if recipe.seek and not recipe.copied:
            look()
            yield
            return
        with ThreadPoolExecutor(1, "packets") as thread:
            self._look = thread.submit(look)
            try:
                yield
                self._look.result()
            finally:
                self._look = None
                self._children.kill()

    def _convert(self, source: Input, recipe: Recipe) -> float:
        """Return the length in seconds of the audio that was made."""
        most_bytes = judgement.size_bound(self._plan.max_result_bytes)
        picture = self._picture(source, recipe)
        ending = self._encoder.make(Making(source, recipe, picture, most_bytes))
        made, claim = self._inspect(recipe, most_bytes), recipe.claim
        self._require_part(ending, made, recipe)
        if judgement.judge(ending, made, claim) is Verdict.DOUBTFUL and claim:
            self._look_again(source.demuxer, claim, made.reached)
        return made.seconds

    def _loudness(self) -> MeasuredLoudness | None:
        heard = self._encoder.heard
        if heard is None:
            return None
        return MeasuredLoudness(integrated=heard.integrated, true_peak=heard.peak)

    def _picture(self, source: Input, recipe: Recipe) -> int | None:
        """Return which video stream becomes the cover, if one is wanted and not too large."""
        picture = source.probe.picture
        if picture is None or not holds_picture(recipe):
            return None
        arguments = probing.picture_arguments(source.media, source.demuxer, picture)
        return picture if is_fit_picture(self._probe(arguments).output) else None

    def _inspect(self, recipe: Recipe, most_bytes: int) -> Made:
        """Measure the result itself: FFmpeg's word for it is not enough."""
        result = self._places.result
        if not _size(result):
            return Made(size=0, most_bytes=most_bytes, reached=0.0, seconds=0.0)
        demuxer = FILES[recipe.file_type].demuxer
        done = self._probe(probing.ffprobe_arguments(result, demuxer))
        seconds = parse_length(done.output, demuxer) or 0.0
        position = self._encoder.position
        # FFmpeg 7.1 tells the source's time of a copy that it cuts, 5.1 the result's.
        known = position and not (recipe.copied and recipe.shifted)
        reached = max(position.seconds if position and known else 0.0, seconds)
        return Made(
            size=_size(result),
            most_bytes=most_bytes,
            reached=recipe.origin + reached,
            seconds=seconds,
        )

    def _require_part(self, ending: Ending, made: Made, recipe: Recipe) -> None:
        """A track that does not say how long it is may have ended before the trim begins."""
        trim, claim = recipe.output.trim, recipe.claim
        vouched = claim and claim.basis is Basis.TRACK
        if trim and trim.start and not (made.seconds or ending.status or vouched):
            raise beyond_the_end(trim)

    def _probe(self, arguments: list[str], room: Room | Drain = _ANSWER) -> Finished:
        return self._children.run(
            arguments,
            watch=self._watch,
            seconds=probing.TIME_LIMIT_SECONDS,
            room=room,
        )

    def _look_again(self, demuxer: Demuxer, claim: Claim, seconds: float) -> None:
        """Refuse a file whose video ends early too; else its audio is merely the shorter."""
        arguments = probing.packets_arguments(self._places.media, demuxer)
        room = Room(probing.PACKETS_TAIL, only_end=True)
        done = self._children.run(arguments, watch=self._watch, room=room)
        if not judgement.reaches(parse_last_packet(done.output), claim):
            raise judgement.cut_off(seconds, claim)

    def _watch(self) -> None:
        if self._mover.state() is PeerState.GONE:
            raise self._mover.lost()
        look = self._look
        if look and look.done():
            look.result()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_packets(part: Part, ranges: Sequence[Range]) -> None:
    """Refuse a source whose audio FFmpeg looks for where there are holes."""
    if not part.is_inside(ranges):
        raise Rejected(ExitCode.CORRUPT_MEDIA, "The file's audio is not where it was sought.")
