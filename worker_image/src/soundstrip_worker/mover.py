"""The mover: brings the source to the converter, and takes to GridFS what the converter made.

It holds the credentials, so it never touches media code, and takes what the converter left for the
work of an enemy.
"""

import os
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from soundstrip_crds.conversion import Result
from soundstrip_crds.job import (
    ConverterReport,
    ExitCode,
    JobPlan,
    MoverReport,
    Stages,
    Unreadable,
    read_message,
)
from soundstrip_crds.reasons import Reason
from soundstrip_storage.connection import Documents
from soundstrip_worker.download import Download
from soundstrip_worker.failures import Disrupted, Rejected
from soundstrip_worker.journal import Journal
from soundstrip_worker.lifeline import Peer, PeerState
from soundstrip_worker.patience import insist
from soundstrip_worker.places import Places, publish
from soundstrip_worker.posting import Observer
from soundstrip_worker.results import find_stored, store_result
from soundstrip_worker.source import bring_source, complete_source
from soundstrip_worker.untrusted import read_whole
from soundstrip_worker.waiting import Pauses

_REPORT_LIMIT = 1 << 16
_SHORTEST_SECONDS = 0.001


class Mover:
    """Moves the bytes of one conversion."""

    def __init__(
        self,
        plan: JobPlan,
        places: Places,
        database: Documents,
        *,
        observer: Observer,
        journal: Journal,
    ) -> None:
        self._plan = plan
        self._places = places
        self._database = database
        self._observer = observer
        self._journal = journal
        self.stages = Stages(started=_now())

    def run(self) -> MoverReport:
        """See the conversion through.

        Raises:
            Rejected: If the source is not there or not what was uploaded, or the converter's
                output cannot be taken.
            Disrupted: If MongoDB stays away, or the converter says that it failed.
        """
        self._journal.info("started")
        stored = insist(partial(find_stored, self._database, self._plan), self._journal)
        if stored:
            publish(self._places.stored, b"")
            return MoverReport(result=stored)
        report = self._wait_for_report(self._bring())
        seconds = report.duration_seconds or 0.0
        if seconds < _SHORTEST_SECONDS:
            raise Disrupted(ExitCode.PEER_LOST, "The converter made no audio.")
        result = self._store(report, seconds)
        return MoverReport(result=result, media=report.media, stages=self.stages)

    def _bring(self) -> Download:
        action = partial(bring_source, self._database, self._plan, self._places, self._journal)
        download = insist(action, self._journal)
        self._observer.stage = Reason.CONVERTING
        self.stages = replace(self.stages, fetched=_now())
        self._tell("source brought", download)
        return download

    def _wait_for_report(self, download: Download) -> ConverterReport:
        """The watch over the converter ends this wait, and at last the Job's deadline."""
        pauses = Pauses()
        while not os.path.lexists(self._places.report):
            if not download.is_whole and os.path.lexists(self._places.wanted):
                self._complete(download)
            pauses.take()
        try:
            content = read_whole(self._places.report, _REPORT_LIMIT)
            return read_message(content, ConverterReport)
        except Unreadable as error:
            raise Rejected(
                ExitCode.CORRUPT_MEDIA, "The converter's report cannot be read."
            ) from error

    def _complete(self, download: Download) -> None:
        """Whoever lies about the need for this has no more of it than the bytes."""
        insist(partial(complete_source, download, self._plan, self._places), self._journal)
        self._tell("source completed", download)

    def _tell(self, what: str, download: Download) -> None:
        self._journal.info(what, bytes=download.size, fetchedBytes=download.brought)

    def _store(self, report: ConverterReport, seconds: float) -> Result:
        self._observer.stage = Reason.STORING
        self.stages = replace(self.stages, converted=_now())
        self._journal.info("audio made", seconds=seconds, copied=report.copied)
        result = insist(partial(self._store_once, report, seconds), self._journal)
        self.stages = replace(self.stages, stored=_now())
        self._journal.info("result stored", bytes=result.size, fileId=result.file_id)
        return result

    def _store_once(self, report: ConverterReport, seconds: float) -> Result:
        """An answer that was lost may have left the document, so look first."""
        stored = find_stored(self._database, self._plan)
        if stored:
            return stored
        path = self._places.result
        try:
            return store_result(self._database, self._plan, path, report, seconds)
        except FileNotFoundError as error:
            raise Rejected(ExitCode.CORRUPT_MEDIA, "The converter left no result.") from error


def _now() -> datetime:
    return datetime.now(UTC)


def has_lost(converter: Peer, places: Places) -> bool:
    """Tell whether the converter has died, or never came, and its report is not there either.

    The order matters: the converter leaves its report before it lets go of its lock.
    """
    return converter.state() is PeerState.GONE and not os.path.lexists(places.report)
