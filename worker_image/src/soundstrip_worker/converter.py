"""The converter: makes the audio of a source that the mover brought, with no credential at all."""

import time
from pathlib import Path

import msgspec

from soundstrip_crds.conversion import Media
from soundstrip_crds.job import ConverterReport, ExitCode, JobPlan
from soundstrip_worker import encoding, judgement, probing
from soundstrip_worker.children import Children, Finished, Room
from soundstrip_worker.completeness import is_cut_off
from soundstrip_worker.demuxers import HEAD_SIZE, Container, Demuxer, recognise
from soundstrip_worker.failures import Rejected
from soundstrip_worker.journal import Journal
from soundstrip_worker.judgement import Made, Verdict
from soundstrip_worker.lifeline import Peer, PeerState
from soundstrip_worker.places import Places, publish
from soundstrip_worker.probing import Claim, Probe
from soundstrip_worker.progress import TAIL_SIZE, Position, parse_position

_LOOK_SECONDS = 0.05


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
        self.media: Media | None = None

    def run(self) -> ConverterReport:
        """Wait for the source, convert it, and leave the report for the mover.

        Raises:
            Rejected: If the source cannot be converted.
            Disrupted: If the mover ended early, the disk is full, or FFmpeg was killed.
        """
        if not self._wait_for_media():
            return ConverterReport(message="The result was stored before.")
        container = self._recognise()
        probe = self._describe(container)
        self.media = probe.media
        publish(self._places.media_report, msgspec.json.encode(probe.media))
        judgement.require_audio(probe)
        seconds = self._convert(container.demuxer, probe.claim)
        report = ConverterReport(duration_seconds=round(seconds, 3), media=probe.media)
        self._places.result.chmod(0o644)
        publish(self._places.report, msgspec.json.encode(report))
        return report

    def _wait_for_media(self) -> bool:
        """Return whether there is something to convert."""
        while not self._places.media.exists():
            state = self._mover.state()
            if self._places.stored.exists():
                return False
            if state is PeerState.GONE:
                raise self._mover.lost()
            time.sleep(_LOOK_SECONDS)
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
        probe = probing.parse_probe(done.output, container)
        if probe is None or done.ending.status or done.ending.timed_out:
            raise judgement.refuse_probe(done.ending)
        return probe

    def _convert(self, demuxer: Demuxer, claim: Claim | None) -> float:
        """Return the length in seconds of the audio that was made."""
        most_bytes = judgement.size_bound(self._plan.max_result_bytes)
        arguments = encoding.encoding_arguments(
            self._places.media,
            demuxer,
            self._plan.output,
            result=self._places.result,
            progress=self._places.progress,
            most_bytes=most_bytes,
        )
        done = self._children.run(arguments, watch=self._watch)
        made = self._inspect(most_bytes)
        if judgement.judge(done.ending, made, claim) is Verdict.DOUBTFUL and claim:
            self._look_again(demuxer, claim, made.reached)
        return made.seconds

    def _inspect(self, most_bytes: int) -> Made:
        """Measure the result itself: FFmpeg's word for it is not enough."""
        position = read_position(self._places.progress)
        result = self._places.result
        if not _size(result):
            return Made(size=0, most_bytes=most_bytes, reached=0.0, seconds=0.0)
        done = self._probe(probing.ffprobe_arguments(result, Demuxer.MP3))
        return Made(
            size=_size(result),
            most_bytes=most_bytes,
            reached=position.seconds if position else 0.0,
            seconds=probing.parse_length(done.output) or 0.0,
        )

    def _probe(self, arguments: list[str]) -> Finished:
        return self._children.run(
            arguments,
            watch=self._watch,
            seconds=probing.TIME_LIMIT_SECONDS,
            room=Room(probing.OUTPUT_LIMIT),
        )

    def _look_again(self, demuxer: Demuxer, claim: Claim, seconds: float) -> None:
        """Refuse a file whose video ends early too; else its audio is merely the shorter."""
        arguments = probing.packets_arguments(self._places.media, demuxer)
        room = Room(probing.PACKETS_TAIL, only_end=True)
        done = self._children.run(arguments, watch=self._watch, room=room)
        if not judgement.reaches(probing.parse_last_packet(done.output), claim):
            raise judgement.cut_off(seconds, claim)

    def _watch(self) -> None:
        if self._mover.state() is PeerState.GONE:
            raise self._mover.lost()


def read_position(progress: Path) -> Position | None:
    """Return how far FFmpeg came, by its progress file."""
    try:
        with progress.open("rb") as file:
            file.seek(max(0, _size(progress) - TAIL_SIZE))
            return parse_position(file.read(TAIL_SIZE))
    except FileNotFoundError:
        return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
