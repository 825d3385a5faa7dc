"""A real mongod that holds the clips, and what a job takes on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hack.bench.engine.meter import Usage
from hack.bench.mongod import run_mongod
from hack.bench.scale.subject import cpu_seconds
from tests.worker import Bench

DATABASE = "bench"
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Cost:
    """What a whole job took: `usage`, mongod's CPU among it, and megabytes that mongod sent."""

    usage: Usage
    read: float
    stages: Mapping[str, float]
    """Seconds of each, by the mover's own account; empty for a peer."""

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.usage.seconds

    @property
    def own_cpu(self) -> float:
        """CPU seconds of the job's processes, without mongod."""
        return sum(value for name, value in self.usage.cpu.items() if name != "mongod")


@dataclass(frozen=True)
class Stage:
    """The store, and a folder for what the jobs leave."""

    pods: Bench
    uri: str
    folder: Path
    mongod: int
    """Its process id."""

    def account(
        self, job: Callable[[], Usage], stages: Callable[[], Mapping[str, float]] = dict
    ) -> Cost:
        """Do a job, and return what it took on both sides."""
        asked, before = self._sent(), self._sent()
        cpu = cpu_seconds(self.mongod)
        usage = job()
        cpu = cpu_seconds(self.mongod) - cpu
        whole = replace(usage, cpu={**usage.cpu, "mongod": cpu})
        asking = before - asked
        return Cost(whole, max(0.0, self._sent() - before - asking), stages())

    def _sent(self) -> float:
        network = self.pods.database.command("serverStatus")["network"]
        return int(network["bytesOut"]) / _MEGABYTE


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Run mongod on loopback until the block ends."""
    with run_mongod() as mongod, Bench(folder, mongod.uri, DATABASE) as pods:
        yield Stage(pods, mongod.uri, folder, mongod.pid)
