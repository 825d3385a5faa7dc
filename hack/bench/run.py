"""Measures Soundstrip on this machine and writes docs/benchmarks.md.

The numbers of a conversion come from the installation that `make demo` leaves running; those of the
storage from a MongoDB of their own, beside the driver's own GridFS in the same session; those of
the engine from whole jobs on another one, beside its peers.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hack.bench.conversion import PARTS, Bench, time_conversion
from hack.bench.engine.run import measure_engine
from hack.bench.page import PAGE, describe_machine
from hack.bench.scale.run import SCENES, Figures, play
from hack.bench.scale.targets import list_targets
from hack.bench.storage import time_storage
from hack.bench.uploads import measure_uploads

_TEMPLATE = Path(__file__).with_name("page.md")


@dataclass(frozen=True)
class Row:
    """One line of the page: the least, the median and the most of what was measured."""

    name: str
    values: Sequence[float]
    unit: str

    def __str__(self) -> str:
        low, middle, high = min(self.values), statistics.median(self.values), max(self.values)
        return f"| {self.name} | {middle:.2f} {self.unit} | {low:.2f}-{high:.2f} |"


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured (5)")
    runs = parser.parse_args().runs
    print(f"storage: {runs} runs, about {runs * 5} s", flush=True)
    storage = time_storage(runs)
    uploads = measure_uploads(runs)
    print(f"conversions: {runs} runs, about {runs * 15} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench.open(Path(folder))
        conversions = [time_conversion(bench) for _ in range(runs)]
        memory, upload = bench.measure_uploads(runs)
    engine = measure_engine(runs)
    print("the operator at scale: about 12 min", flush=True)
    scale = play(list(SCENES))
    page = _render(
        storage, uploads, conversions, engine, scale, memory=memory, upload=upload, runs=runs
    )
    PAGE.write_text(page)
    print(f"written: {PAGE.name}")


def _render(
    storage: Mapping[str, Sequence[float]],
    uploads: str,
    conversions: Sequence[Mapping[str, float]],
    engine: str,
    scale: Mapping[str, Figures],
    *,
    memory: float,
    upload: Sequence[float],
    runs: int,
) -> str:
    own, peer = storage["Soundstrip"], storage["pymongo's GridFSBucket"]
    ratios = [a / b for a, b in zip(own, peer, strict=True)]
    parts = [Row(name, [c[name] for c in conversions], "s") for name in PARTS]
    return _TEMPLATE.read_text().format(
        date=datetime.now(UTC).date(),
        machine=describe_machine(),
        runs=runs,
        storage="\n".join(str(Row(name, values, "MB/s")) for name, values in storage.items()),
        ratio=statistics.median(ratios),
        uploads=uploads,
        upload=Row("upload of 100 MB through the gateway", upload, "MB/s"),
        memory=memory,
        parts="\n".join(map(str, parts)),
        engine=engine,
        targets="\n".join(map(str, list_targets(scale))),
        scale=render_scale(scale),
    )


def render_scale(scenes: Mapping[str, Figures]) -> str:
    """Return a table of the scenes' numbers."""
    rows = [
        f"| {name} | {what} | {statistics.median(v):.2f} | {min(v):.2f}-{max(v):.2f} |"
        for name, figures in scenes.items()
        for what, v in figures.items()
    ]
    return "\n".join(["| scene | what | median | least-most |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    main()
