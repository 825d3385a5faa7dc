"""How a container ended: its reason in the taxonomy, and its last words."""

from dataclasses import dataclass

from soundstrip_crds.conversion import Media
from soundstrip_crds.job import (
    REASON_OF_EXIT_CODE,
    ConverterReport,
    ExitCode,
    MoverReport,
    Unreadable,
    read_message,
)
from soundstrip_crds.names import CONVERTER, MOVER
from soundstrip_crds.reasons import Reason
from soundstrip_operator.verdict import Failure
from soundstrip_operator.workload import Terminated

_OOM_KILLED = "OOMKilled"
_NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})
_SIGNALS = 128
_HIGHEST_CODE = 255


@dataclass(frozen=True)
class End:
    """A container that ended."""

    container: str
    how: Terminated

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than with 0."""
        return self.how.exit_code != ExitCode.OK

    @property
    def defers(self) -> bool:
        """Whether it ended only because the other did."""
        return self.how.exit_code in {ExitCode.OK, ExitCode.PEER_LOST}


def blame(ends: list[End]) -> Failure:
    """Return why the pod failed: OOMKilled first, then the converter's code, then the mover's.

    On cgroup v1 an out-of-memory kill comes with the exit code of a wrapper, so the kubelet's
    reason goes before any code.
    """
    by_rank = sorted(ends, key=lambda end: (not _out_of_memory(end), end.container != CONVERTER))
    for end in by_rank:
        if _out_of_memory(end) or not end.defers:
            return _failure(end)
    return _failure(next(end for end in by_rank if end.failed))


def reason_of(exit_code: int) -> Reason:
    """Return the reason of a container's exit code; one that is not ours is a lost worker."""
    try:
        return REASON_OF_EXIT_CODE[ExitCode(exit_code)]
    except ValueError:
        return Reason.WORKER_LOST


def recordable(exit_code: int) -> int | None:
    """Return the exit code if the status can hold it."""
    return exit_code if 0 <= exit_code <= _HIGHEST_CODE else None


def read_mover_report(how: Terminated) -> MoverReport:
    """Return the mover's last words; none, if they can't be read."""
    try:
        return read_message(how.message, MoverReport)
    except Unreadable:
        return MoverReport()


def _read_converter_report(how: Terminated) -> ConverterReport:
    try:
        return read_message(how.message, ConverterReport)
    except Unreadable:
        return ConverterReport()


def _failure(end: End) -> Failure:
    words, media = _last_words(end)
    code = end.how.exit_code
    if _out_of_memory(end):
        reason, cause = Reason.OUT_OF_MEMORY, f"The {end.container} was killed at its memory limit"
    elif end.how.reason in _NEVER_RAN:
        reason, cause = Reason.START_FAILED, end.how.message
    else:
        reason, cause = reason_of(code), words or _tell(end)
    return Failure(reason, cause, recordable(code), media)


def _last_words(end: End) -> tuple[str, Media | None]:
    read = read_mover_report if end.container == MOVER else _read_converter_report
    report = read(end.how)
    return "".join(c for c in report.message or "" if c.isprintable()), report.media


def _tell(end: End) -> str:
    code = end.how.exit_code
    signal = f" (signal {code - _SIGNALS})" if _SIGNALS < code <= _HIGHEST_CODE else ""
    return f"The {end.container} ended with exit code {code}{signal}"


def _out_of_memory(end: End) -> bool:
    return end.how.reason == _OOM_KILLED
