"""Fuzzes what reads media: each reader by its coverage, and the whole converter by harmed files.

Half of the time is the converter's, the readers share the rest. An input that breaks something
stays in build/fuzz/<target>/, and this says how to repeat it.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS
from tests.fuzz.whole import NAME, check_conversion
from tests.hostile.case import World
from tests.hostile.corpus import CORPUS
from tests.hostile.seeds import Seeds
from tests.hostile.solo import usual_paths

_ROOT = Path("build/fuzz")
_LONGEST_INPUT = 4096
_LONGEST_SECONDS = 5
_MOST_MEGABYTES = 1024
_SAID_LENGTH = 4000
_FIGURE = re.compile(r"stat::(number_of_executed_units|new_units_added|peak_rss_mb): +(\d+)")


def main() -> None:
    """Fuzz, or repeat one input; exit with 1 if something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long in all (60)")
    parser.add_argument("--target", action="append", choices=[*TARGETS, NAME], help="only these")
    parser.add_argument("--repeat", type=Path, help="an input that broke its target")
    arguments = parser.parse_args()
    if arguments.repeat:
        repeat(arguments.repeat)
        return
    broken = fuzz(arguments.target or [*TARGETS, NAME], arguments.seconds)
    for path in broken:
        print(f"broken by {path}; repeat it: make fuzz-media REPEAT={path}")
    sys.exit(bool(broken))


def fuzz(names: list[str], seconds: float) -> list[Path]:
    """Fuzz these targets for so long, and return the inputs that broke one."""
    readers = [name for name in names if name in TARGETS]
    share = seconds / 2 if NAME in names and readers else seconds
    broken = [path for name in readers for path in fuzz_reader(name, share / len(readers))]
    return broken + (fuzz_converter(share) if NAME in names else [])


def fuzz_reader(name: str, seconds: float) -> list[Path]:
    """Fuzz one reader; what it learned is kept for the next time."""
    home = _ROOT / name
    known = home / "corpus"
    known.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds):
        (known / f"seed-{number}").write_bytes(seed)
    options = (
        f"-max_total_time={max(1, round(seconds))}",
        f"-max_len={_LONGEST_INPUT}",
        f"-timeout={_LONGEST_SECONDS}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        f"-artifact_prefix={home}/",
        "-print_final_stats=1",
        "-verbosity=0",
    )
    before = set(_inputs(home))
    command = [sys.executable, "-m", "tests.fuzz.coverage", name, *options, str(known)]
    print(f"{name}: {seconds:.0f} s", flush=True)
    with (home / "log").open("wb") as log:
        done = subprocess.run(command, check=False, stdout=log, stderr=log)
    said = (home / "log").read_text("utf-8", "replace")
    found = sorted(set(_inputs(home)) - before)
    if done.returncode:
        print(said[-_SAID_LENGTH:])
        if not found:
            sys.exit(f"{name}: the fuzzer itself ended with {done.returncode}")
    print("   ", ", ".join(" ".join(figure) for figure in _FIGURE.findall(said)))
    return found


def fuzz_converter(seconds: float) -> list[Path]:
    """Convert harmed files of the corpus, one after the other."""
    print(f"{NAME}: {seconds:.0f} s", flush=True)
    home = _ROOT / NAME
    home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    broken, converted = [], 0
    with tempfile.TemporaryDirectory() as room:
        seeds = Seeds(Path(room))
        usual = usual_paths(seeds, Path(room, "pod"))
        for content in harmed_files(seeds):
            converted += 1
            complaint = check_conversion(content, usual)
            if complaint:
                path = home / f"crash-{time.time_ns():x}"
                path.write_bytes(content)
                print(f"{path}: {complaint}", flush=True)
                broken.append(path)
            if time.monotonic() > deadline:
                break
    print(f"{NAME}: {converted} files", flush=True)
    return broken


def harmed_files(seeds: Seeds) -> Iterator[bytes]:
    """Yield harmed files of the corpus without end: honest ones first of all."""
    chance = Random()  # noqa: S311 - what breaks something is kept
    world = World(seeds, Path("/canary"), "http://127.0.0.1:9/")
    honest = [partial(seeds.__getitem__, name) for name in seeds]
    hostile = [partial(case.make, world) for case in CORPUS]
    while True:
        make = chance.choice(honest if chance.random() < 0.7 else hostile)
        yield mutate(make(), chance)


def repeat(path: Path) -> None:
    """Give an input to the target that it broke, whose folder it is in."""
    content = path.read_bytes()
    name = path.parent.name
    if name != NAME:
        TARGETS[name].read(content)
        return
    with tempfile.TemporaryDirectory() as room:
        usual = usual_paths(Seeds(Path(room)), Path(room, "pod"))
        sys.exit(check_conversion(content, usual))


def _inputs(home: Path) -> Iterator[Path]:
    for kind in ("crash", "timeout", "oom", "slow-unit"):
        yield from home.glob(f"{kind}-*")


main()
