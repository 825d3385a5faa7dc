"""Measures the operator at scale: on one core, against a stub of the API server on the other.

The scene `real` has a real control plane instead, without nodes. MongoDB and RabbitMQ are real.
`python -m hack.bench.scale.run [SCENE...]` prints what it finds.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from hack.bench.scale.real import measure_real
from hack.bench.scale.scenes import (
    OTHER_CORE,
    Numbers,
    Stage,
    measure_conversions,
    measure_jobs,
    measure_latency,
    measure_progress,
    measure_rest,
)
from hack.bench.scale.stores import stores
from hack.bench.scale.stub_server import build_stub

_LEAST = 0.005

SCENES: dict[str, Callable[[Stage], Numbers]] = {
    "conversions": lambda stage: measure_conversions(stage, 2_000),
    "ten-thousand": lambda stage: measure_conversions(stage, 10_000),
    "jobs": lambda stage: measure_jobs(stage, 2_000),
    "latency": lambda stage: measure_latency(stage, 200, per_second=10),
    "progress": lambda stage: measure_progress(stage, 500),
    "rest-1000": lambda stage: measure_rest(stage, 1_000, 0),
    "rest-10000": lambda stage: measure_rest(stage, 9_500, 500),
    "real": lambda stage: measure_real(stage, 1_000),
}


_TIMES = {"conversions": 3, "jobs": 5, "latency": 3}
"""How often the short ones are played: the machine's own speed comes and goes by a third."""

Figures = dict[str, list[float]]


def main() -> None:
    """Play the scenes and print their numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", choices=[[], *SCENES], help="default: all")
    for name, figures in play(parser.parse_args().scenes or list(SCENES)).items():
        print(name)
        for what, values in figures.items():
            least, most = min(values), max(values)
            print(f"    {statistics.median(values):10.2f} {what} ({least:.2f}-{most:.2f})")


def play(names: list[str]) -> dict[str, Figures]:
    """Return the numbers of each of these scenes, time by time."""
    with tempfile.TemporaryDirectory() as text, stores(10_000, OTHER_CORE) as addresses:
        folder = Path(text)
        stage = Stage(build_stub(folder), folder, addresses)
        return {name: _play_often(name, stage) for name in names}


def _play_often(name: str, stage: Stage) -> Figures:
    """What rounds to nothing, such as a list of everything for each conversion, is left out."""
    plays = [SCENES[name](stage) for _ in range(_TIMES.get(name, 1))]
    figures = {what: [one.get(what, 0.0) for one in plays] for what in plays[0]}
    return {what: values for what, values in figures.items() if max(values) >= _LEAST}


if __name__ == "__main__":
    main()
