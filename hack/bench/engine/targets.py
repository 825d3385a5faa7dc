"""What is to be reached, and whether it is: the table of targets."""

from collections.abc import Iterator
from itertools import product

from hack.bench.engine import clips
from hack.bench.engine.clips import Clip
from hack.bench.engine.scenes import (
    ALONE,
    COPY,
    CORES,
    FAST,
    MORE_CORES,
    ONE_CORE,
    OWN,
    SEED,
    Findings,
    planned_for,
)
from hack.bench.engine.stage import Cost
from hack.bench.target import Target

_HOUR_SECONDS = 3600
_MEGABYTE = 1e6


def list_targets(findings: Findings) -> list[Target]:
    """Return all of which the jobs were played."""
    parts = (_walls, _reads, _memories, _growths, _efficiencies)
    return [target for part in parts for target in part(findings) if target.values]


def _walls(found: Findings) -> Iterator[Target]:
    rows = (
        ("M to MP3 192k, wall, of the seed's style", clips.M, OWN, SEED, 0.35),
        ("M to MP3 192k, wall, of FFmpeg alone on local files", clips.M, OWN, ALONE, 0.55),
        ("M to MP3 `fast`, wall, of the seed's style", clips.M, FAST, SEED, 0.18),
        ("M to `original`, wall, of the seed's style", clips.M, COPY, SEED, 0.05),
        ("P to MP3 192k, wall, of the seed's style", clips.P, OWN, SEED, 0.30),
    )
    for what, clip, who, peer, bound in rows:
        pairs = zip(found.of(clip, who), found.of(clip, peer), strict=False)
        yield Target(what, bound, [own.seconds / other.seconds for own, other in pairs])
    seconds = [cost.seconds for cost in found.of(clips.SECOND, OWN)]
    yield Target("1 s of video, from the first start to the last end", 0.5, seconds, "s")


def _reads(found: Findings) -> Iterator[Target]:
    size = clips.P.path.stat().st_size / _MEGABYTE
    shares = [cost.read / size for cost in found.of(clips.P, OWN)]
    yield Target("P to MP3 192k, bytes from MongoDB, of the file's", 0.13, shares)


def _memories(found: Findings) -> Iterator[Target]:
    for clip in (clips.M, clips.P, clips.TEN_MINUTES, clips.HOUR, clips.FOUR_HOURS):
        memories = [cost.usage.memory for cost in found.of(clip, OWN)]
        yield Target(f"{clip.name}, memory of both containers together", 120, memories, "MB")


def _growths(found: Findings) -> Iterator[Target]:
    """The issue says linear and flat: what is taken for it here is a tenth more at most."""
    for clip in (clips.HOUR, clips.FOUR_HOURS):
        shorter, longer = found.of(clips.TEN_MINUTES, OWN), found.of(clip, OWN)
        pairs = list(product(longer, shorter))
        cpu = [cpu_per_hour(clip, a) / cpu_per_hour(clips.TEN_MINUTES, b) for a, b in pairs]
        yield Target(f"CPU for an hour of audio, {clip.name}, of that of 10 min", 1.1, cpu)
        memory = [a.usage.memory / b.usage.memory for a, b in pairs]
        yield Target(f"memory, {clip.name}, of that of 10 min", 1.1, memory)


def _efficiencies(found: Findings) -> Iterator[Target]:
    pairs = list(zip(found.of(clips.M, ONE_CORE), found.of(clips.M, OWN), strict=False))
    whole = [one.seconds / (CORES * two.seconds) for one, two in pairs]
    yield Target("M on two cores, efficiency, whole job", 0.85, whole, at_least=True)
    spans = [(one.stages["converted"], two.stages["converted"]) for one, two in pairs]
    stage = [one / (CORES * two) for one, two in spans]
    yield Target("M on two cores, efficiency, conversion alone", 0.85, stage, at_least=True)
    for cores in MORE_CORES:
        few = product(found.of(clips.M, ONE_CORE), found.of(clips.M, planned_for(cores)))
        values = [one.stages["converted"] / (cores * _foretell(more)) for one, more in few]
        yield Target(f"M on {cores} cores, the same, simulated", 0.85, values, at_least=True)


def _foretell(cost: Cost) -> float:
    """Return what the conversion would take if each FFmpeg had a core: the longest, and the join.

    By CPU seconds of the job on fewer cores; all of the converter's own are taken to be alone.
    """
    return cost.usage.longest + cost.usage.cpu["converter"]


def cpu_per_hour(clip: Clip, cost: Cost) -> float:
    """Return the CPU seconds of the job's processes for an hour of its audio."""
    return cost.own_cpu * _HOUR_SECONDS / clip.seconds
