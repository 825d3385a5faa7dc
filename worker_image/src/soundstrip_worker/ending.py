"""How a container ends: a termination message, and an exit code of the taxonomy."""

import os
import threading
from pathlib import Path
from typing import NoReturn

import msgspec

from soundstrip_crds.conversion import Media
from soundstrip_crds.job import TERMINATION_MESSAGE_LIMIT, ConverterReport, ExitCode, MoverReport
from soundstrip_worker.journal import Journal

Report = MoverReport | ConverterReport

_MESSAGE_LENGTH = 1024


def fit(report: Report, limit: int = TERMINATION_MESSAGE_LIMIT) -> bytes:
    """Return the report as JSON of at most `limit` bytes; tracks go first, then the message."""
    content = msgspec.json.encode(report)
    while len(content) > limit:
        report = _shorten(report)
        content = msgspec.json.encode(report)
    return content


def _shorten(report: Report) -> Report:
    media = report.media
    if media and media.tracks:
        fewer = Media(
            container=media.container,
            duration_seconds=media.duration_seconds,
            tracks=media.tracks[:-1],
        )
        return msgspec.structs.replace(report, media=fewer)
    message = (report.message or "")[: len(report.message or "") // 2]
    return msgspec.structs.replace(report, media=None, message=message or None)


class End:
    """Ends the process, once, whichever thread asks for it.

    By `os._exit`: pymongo's clean exit costs half a second, and there is nothing to clean that
    the kernel and the sweep don't.
    """

    def __init__(self, termination_log: Path, journal: Journal) -> None:
        self._termination_log = termination_log
        self._journal = journal
        self._begun = threading.Lock()

    def now(self, code: ExitCode, report: Report) -> NoReturn:
        """End with this code and report."""
        self.attempt(code, report)
        threading.Event().wait()  # Another thread ends the process.
        raise AssertionError

    def attempt(self, code: ExitCode, report: Report) -> None:
        """End, or return if the end has begun: a signal handler must let it go on."""
        if not self._begun.acquire(blocking=False):
            return
        self._tell(code, report)
        os._exit(code)

    def _tell(self, code: ExitCode, report: Report) -> None:
        log = self._journal.info if code is ExitCode.OK else self._journal.error
        log("ended", exitCode=int(code), reason=code.name, message=report.message)
        try:
            self._termination_log.write_bytes(fit(report))
        except OSError as error:
            self._journal.warning("no termination message could be left", error=str(error))


def bounded(message: str) -> str:
    """Cut a sentence to what a report may hold."""
    return message[:_MESSAGE_LENGTH]
