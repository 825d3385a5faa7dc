"""What ends a container: its work, a failure, SIGTERM, the other's death, or a bug."""

import errno
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import NoReturn

from soundstrip_crds.job import ConverterReport, ExitCode, MoverReport
from soundstrip_worker.ending import End, Report, bounded
from soundstrip_worker.failures import Failure
from soundstrip_worker.journal import Journal

_LOOK_SECONDS = 0.2
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Kind = type[MoverReport] | type[ConverterReport]


def live(work: Callable[[], Report], end: End, explain: Callable[[str], Report]) -> NoReturn:
    """Work, and end with the report, or with the failure's code and its explanation."""
    try:
        report = work()
    except Failure as failure:
        end.now(failure.code, explain(bounded(failure.message)))
    except OSError as error:
        if error.errno in _FULL:
            end.now(ExitCode.DISK_FULL, explain("The worker's disk is full."))
        raise
    end.now(ExitCode.OK, report)


def end_on_sigterm(end: End, kind: Kind, clean: Callable[[], None] = lambda: None) -> None:
    """End at once on SIGTERM, which the kernel keeps from a PID 1 without a handler."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        clean()
        end.attempt(ExitCode.WORKER_LOST, kind(message="The worker was told to stop (SIGTERM)."))

    signal.signal(signal.SIGTERM, handle)


def end_on_bugs(end: End, kind: Kind, journal: Journal) -> None:
    """End with WORKER_LOST on an exception that nobody expected, in whichever thread."""

    def handle(bug: type[BaseException], error: BaseException | None, trace: object) -> None:
        lines = traceback.format_exception(error) if error else []
        journal.error("unexpected error", exception="".join(lines))
        message = f"An unexpected error ({bug.__name__}); the worker's log has more."
        end.attempt(ExitCode.WORKER_LOST, kind(message=message))

    def handle_in_thread(hook: threading.ExceptHookArgs) -> None:
        handle(hook.exc_type, hook.exc_value, hook.exc_traceback)

    def handle_in_main(
        bug: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        handle(bug, error, trace)

    sys.excepthook = handle_in_main
    threading.excepthook = handle_in_thread


def end_when(
    condition: Callable[[], bool], failure: Callable[[], Failure], end: End, kind: Kind
) -> None:
    """End with the failure as soon as the condition holds, whatever the main thread waits for."""

    def watch() -> None:
        while not condition():
            time.sleep(_LOOK_SECONDS)
        lost = failure()
        end.now(lost.code, kind(message=bounded(lost.message)))

    threading.Thread(target=watch, name="watch", daemon=True).start()
