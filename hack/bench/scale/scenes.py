"""What is measured: each scene has a stub of its own, and an operator that starts in it."""

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.bench.scale.stub_server import Figures, Stub, stub_server
from hack.bench.scale.subject import Subject, operator
from hack.bench.scale.templates import REPORT, finished_conversion, new_conversion
from tests.waiting import wait_until

OPERATOR_CORE, OTHER_CORE = 0, 1
_STEP_SECONDS, _WORK_SECONDS, _LONG_SECONDS = 0.02, 0.3, 3600.0
_MINUTE, _PROGRESS_SECONDS = 60, 20
_CLIP_SECONDS = 100.0
"""A percent each second: what did not change is not written."""
_PATIENCE = 600
_QUIET_SECONDS, _QUIET = 2.0, 0.05
"""Steady is what uses less of a core than this for so long."""

Numbers = dict[str, float]


@dataclass(frozen=True)
class Stage:
    """What every scene needs."""

    program: Path
    folder: Path
    stores: Mapping[str, str]

    @contextmanager
    def set_up(self, **settings: str) -> Iterator[tuple[Stub, Subject]]:
        """Run a fresh stub, and an operator that has begun to watch it."""
        with (
            stub_server(self.program, self.folder, OTHER_CORE) as stub,
            operator(stub.kubeconfig, self.stores, OPERATOR_CORE, **settings) as subject,
        ):
            _wait_until_steady(subject)
            stub.reset()
            yield stub, subject


def measure_conversions(stage: Stage, count: int) -> Numbers:
    """Whole conversions, all there at once, 500 of them active: how many a second, at what cost."""
    with stage.set_up() as (stub, subject):
        stub.play(start=_STEP_SECONDS, work=_WORK_SECONDS, report=REPORT)
        cpu = subject.cpu_seconds()
        stub.load(new_conversion(), first=0, count=count)
        figures = _wait_for(stub, "notified", count)
        used = subject.cpu_seconds() - cpu
        seconds = max(_times(figures, "notified")) - min(_times(figures, "created"))
        return {
            "conversions per second": count / seconds,
            "CPU milliseconds per conversion": 1000 * used / count,
            "CPU": used / seconds,
            "MiB at most": subject.memory("VmHWM"),
            **_requests(_wait_for(stub, "tidy", count), count),
        }


def measure_jobs(stage: Stage, count: int) -> Numbers:
    """Jobs that nobody plays: how many a second the operator makes."""
    with stage.set_up(MAX_ACTIVE_JOBS=str(count)) as (stub, subject):
        cpu = subject.cpu_seconds()
        stub.load(new_conversion(), first=0, count=count)
        figures = _wait_for(stub, "job", count)
        seconds = max(_times(figures, "job")) - min(_times(figures, "created"))
        used = subject.cpu_seconds() - cpu
        return {"Jobs per second": count / seconds, "CPU milliseconds per Job": 1000 * used / count}


def measure_latency(stage: Stage, count: int, per_second: float) -> Numbers:
    """Conversions that come one by one: how long until each has its Job."""
    with stage.set_up() as (stub, _):
        stub.play(start=_STEP_SECONDS, work=_WORK_SECONDS, report=REPORT)
        stub.load(new_conversion(), first=0, count=count, per_second=per_second)
        lives = _wait_for(stub, "job", count).lives
        waits = sorted(1000 * (life.job - life.created) for life in lives if life.job)
        return {"p50 ms": statistics.median(waits), "p99 ms": waits[int(0.99 * len(waits))]}


def measure_rest(stage: Stage, finished: int, active: int) -> Numbers:
    """A restart over conversions that are over and some at work, and a minute of rest after it.

    Everything is listed again once in that minute, which is twice as often as by default.
    """
    with stub_server(stage.program, stage.folder, OTHER_CORE) as stub:
        stub.play(start=_STEP_SECONDS, work=_LONG_SECONDS, report=REPORT)
        stub.load(finished_conversion(), first=0, count=finished)
        _wait_for(stub, "created", finished)
        if active:
            with operator(stub.kubeconfig, stage.stores, OPERATOR_CORE):
                stub.load(new_conversion(), first=finished, count=active)
                _wait_for(stub, "job", active)
        start = time.monotonic()
        settings = {"RESYNC_SECONDS": str(_MINUTE)}
        with operator(stub.kubeconfig, stage.stores, OPERATOR_CORE, **settings) as subject:
            steady = _wait_until_steady(subject) - start
            startup = subject.cpu_seconds()
            stub.reset()
            time.sleep(_MINUTE)
            idle = subject.cpu_seconds() - startup
            return {
                "seconds until steady": steady,
                "CPU seconds until steady": startup,
                "idle, % of a core": 100 * idle / _MINUTE,
                "MiB": subject.memory(),
                "MiB at most": subject.memory("VmHWM"),
                "idle requests per minute": sum(stub.figures().requests.values()),
            }


def measure_progress(stage: Stage, active: int) -> Numbers:
    """Movers that post each second: what of it is written, at what cost."""
    with stage.set_up() as (stub, subject):
        stub.play(start=_STEP_SECONDS, work=_CLIP_SECONDS, report=REPORT, progress=1.0)
        stub.load(new_conversion(), first=0, count=active)
        _wait_for(stub, "job", active)
        wait_until(lambda: stub.figures().requests.get("progress 204", 0) > active, "they post")
        stub.reset()
        cpu, start = subject.cpu_seconds(), time.monotonic()
        time.sleep(_PROGRESS_SECONDS)
        seconds, used = time.monotonic() - start, subject.cpu_seconds() - cpu
        requests = stub.figures().requests
        return {
            "posts per second": requests.get("progress 204", 0) / seconds,
            "writes per second": requests.get("PUT videoconversions/status", 0) / seconds,
            "% of a core": 100 * used / seconds,
        }


def _wait_for(stub: Stub, what: str, count: int) -> Figures:
    latest: list[Figures] = []

    def has_come() -> bool:
        latest[:] = [stub.figures()]
        return latest[0].count(what) >= count

    wait_until(has_come, f"{count} conversions are {what}", seconds=_PATIENCE)
    return latest[0]


def _wait_until_steady(subject: Subject) -> float:
    """Return since when it has been quiet."""
    since, cpu = time.monotonic(), subject.cpu_seconds()

    def is_quiet() -> bool:
        nonlocal since, cpu
        used, now = subject.cpu_seconds(), time.monotonic()
        if used - cpu > _QUIET * _QUIET_SECONDS:
            since, cpu = now, used
        return now - since >= _QUIET_SECONDS

    wait_until(is_quiet, "the operator is quiet", seconds=_PATIENCE)
    return since


def _times(figures: Figures, what: str) -> list[float]:
    moments = (getattr(life, what) for life in figures.lives)
    return [moment for moment in moments if moment is not None]


def _requests(figures: Figures, count: int) -> Numbers:
    return {
        f"{name} per conversion": made / count
        for name, made in sorted(figures.requests.items())
        if not name.startswith(("GET /", "WATCH"))
    }
