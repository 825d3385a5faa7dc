"""What the operator is to reach at scale, and whether it does."""

from collections.abc import Iterator, Mapping, Sequence

from hack.bench.target import Target

Figures = Mapping[str, Sequence[float]]

_BOUNDS = (
    ("jobs", "Jobs per second", 200, True),
    ("conversions", "conversions per second", 60, True),
    ("ten-thousand", "conversions per second", 60, True),
    ("latency", "p50 ms", 5, False),
    ("latency", "p99 ms", 50, False),
    ("rest-1000", "idle, % of a core", 1, False),
    ("rest-1000", "MiB", 120, False),
    ("rest-10000", "MiB", 300, False),
    ("rest-10000", "seconds until steady", 30, False),
    ("real", "conversions per second", 9, True),
)
"""Scene, figure, bound, and whether that is the least; 9 is twice what Argo makes by default."""

_WRITES = ("POST jobs", "DELETE jobs", "PUT videoconversions", "PATCH videoconversions")


def list_targets(scenes: Mapping[str, Figures]) -> Iterator[Target]:
    """Return all of which the scenes were played."""
    for scene, what, bound, at_least in _BOUNDS:
        if values := scenes.get(scene, {}).get(what):
            yield Target(f"*{scene}*: {what}", bound, values, at_least=at_least)
    if figures := scenes.get("conversions"):
        writes = [v for what, v in figures.items() if what.startswith(_WRITES)]
        yield Target(
            "*conversions*: writes per conversion, without Events",
            6,
            [sum(each) for each in zip(*writes, strict=True)],
        )
