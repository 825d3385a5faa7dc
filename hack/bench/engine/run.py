"""Measures the conversion engine: whole jobs, GridFS to audio to GridFS, beside its peers.

`uv run --frozen --group bench python -m hack.bench.engine.run` prints a section of
docs/benchmarks.md; `--write` puts it there. The group `bench` has the peer's MoviePy, and ViSQOL.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from hack.bench.engine.clips import CLIPS, Clip, M
from hack.bench.engine.meter import FFMPEG
from hack.bench.engine.scenes import CORE, CORES_EACH, Case, Findings, play
from hack.bench.engine.stage import Cost
from hack.bench.engine.targets import list_targets
from hack.bench.page import describe_machine, renew_section

HEADING = "## The conversion engine"

_TEMPLATE = Path(__file__).with_name("section.md")
_ROUND_SECONDS, _LONG_SECONDS = 65, 170
"""What a round takes, about, and the jobs that are played once."""


def main() -> None:
    """Measure, and print or write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured (5)")
    names = [clip.name for clip in CLIPS]
    parser.add_argument("clips", nargs="*", choices=[[], *names], help="default: all")
    parser.add_argument("--write", action="store_true", help="renew the section of the page")
    wanted = parser.parse_args()
    chosen = [clip for clip in CLIPS if clip.name in (wanted.clips or names)]
    section = measure_engine(wanted.runs, chosen)
    if wanted.write:
        renew_section(HEADING, section)
    else:
        print(section)


def measure_engine(runs: int, chosen: Sequence[Clip] = CLIPS) -> str:
    """Play the jobs with these clips, and return the section."""
    minutes = (runs * _ROUND_SECONDS + _LONG_SECONDS) / 60
    print(f"the engine: {runs} runs, about {minutes:.0f} min", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        return render(play(runs, Path(folder), chosen), runs)


def render(findings: Findings, runs: int) -> str:
    """Return the section."""
    own = [item for item in findings.costs.items() if item[1][0].stages]
    section = _TEMPLATE.read_text().format(
        heading=HEADING,
        date=datetime.now(UTC).date(),
        machine=describe_machine(),
        runs=runs,
        ffmpeg=findings.ffmpeg,
        host_ffmpeg=findings.host_ffmpeg,
        moviepy=version("moviepy"),
        targets="\n".join(map(str, list_targets(findings))),
        costs="\n".join(_cost_row(*item) for item in findings.costs.items()),
        parts="\n".join(_part_row(*item) for item in own),
        quality=_quality_rows(findings),
        ceiling=_ceiling(findings),
    )
    return section.rstrip()


def _cost_row(case: Case, costs: Sequence[Cost]) -> str:
    columns: list[Callable[[Cost], float]] = [
        lambda cost: cost.seconds,
        lambda cost: cost.own_cpu,
        lambda cost: cost.usage.memory,
        lambda cost: cost.read,
    ]
    cells = [_spread([column(cost) for cost in costs]) for column in columns]
    return f"| {' | '.join((*case, *cells))} |"


def _part_row(case: Case, costs: Sequence[Cost]) -> str:
    """Where time goes: the stages of the mover's log, and CPU by process."""
    names = ("mover", "converter", FFMPEG, "mongod")
    cpu = [_middle([cost.usage.cpu.get(name, 0.0) for cost in costs]) for name in names]
    stages = [_middle([cost.stages.get(name, 0.0) for cost in costs]) for name in _STAGES]
    rest = _middle([cost.seconds - sum(cost.stages.values()) for cost in costs])
    return f"| {' | '.join((*case, *stages, rest, *cpu))} |"


_STAGES = ("fetched", "converted", "stored")


def _ceiling(findings: Findings) -> str:
    """Say what one encode takes alone, and beside another on the other core."""
    pairs = list(zip(findings.of(M, CORE), findings.of(M, CORES_EACH), strict=False))
    if not pairs:
        return "not measured"
    alone, beside = (_middle([cost.seconds for cost in some]) for some in zip(*pairs, strict=True))
    efficiency = _middle([one.seconds / two.seconds for one, two in pairs])
    return f"{alone} s alone, {beside} s each at once, an efficiency of {efficiency}"


def _middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f}"


def _spread(values: Sequence[float]) -> str:
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f}-{max(values):.2f})"


def _quality_rows(findings: Findings) -> str:
    return "\n".join(
        f"| {who} | {statistics.mean(scores):.3f} | {min(scores):.3f}-{max(scores):.3f} |"
        for who, scores in findings.quality.items()
    )


if __name__ == "__main__":
    main()
