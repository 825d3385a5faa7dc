"""How far FFmpeg has come: what its `-progress` says, as percent, speed and time left."""

import math
from itertools import pairwise
from pathlib import Path

import msgspec

from soundstrip_crds.audio import Trim
from soundstrip_crds.conversion import Progress

TAIL_SIZE = 2048
"""Bytes at the end of the file that hold the last complete block; a block has about 250."""

_MICROSECONDS = 1e6
_LONGEST_SECONDS = 1e9
_ALMOST = 99
"""The most that is said before the end is known."""


class Position(msgspec.Struct, frozen=True):
    """The last complete block: the media's time in seconds, and its time per time."""

    seconds: float
    speed: float | None
    ended: bool


def parse_position(text: bytes) -> Position | None:
    """Read the end of a progress file; None while it holds no complete block with a time.

    FFmpeg 7.1 ends with a block without one where it has written a picture too.
    """
    lines = text.decode("ascii", "replace").split("\n")[:-1]
    ends = [n + 1 for n, line in enumerate(lines) if line.startswith("progress=")]
    blocks = [lines[start:end] for start, end in pairwise([0, *ends])]
    return next((found for block in reversed(blocks) if (found := _parse_block(block))), None)


def _parse_block(lines: list[str]) -> Position | None:
    block = dict(line.split("=", 1) for line in lines if "=" in line)
    microseconds = parse_number(block.get("out_time_us", ""), most=_LONGEST_SECONDS * _MICROSECONDS)
    if microseconds is None:
        return None
    return Position(
        seconds=microseconds / _MICROSECONDS,
        speed=parse_number(block.get("speed", "").strip().removesuffix("x"), most=1e6),
        ended=block["progress"].strip() == "end",
    )


def format_position(position: Position) -> bytes:
    """Return a block as FFmpeg would write it."""
    speed = "N/A" if position.speed is None else f"{position.speed:.3g}x"
    ended = "end" if position.ended else "continue"
    microseconds = round(position.seconds * _MICROSECONDS)
    return f"out_time_us={microseconds}\nspeed={speed}\nprogress={ended}\n".encode()


def read_position(progress: Path) -> Position | None:
    """Return how far FFmpeg came, by its progress file."""
    try:
        with progress.open("rb") as file:
            file.seek(max(0, progress.stat().st_size - TAIL_SIZE))
            return parse_position(file.read(TAIL_SIZE))
    except FileNotFoundError:
        return None


def part_seconds(duration: float | None, trim: Trim | None) -> float | None:
    """Return how many seconds of a media of this length are taken; None if that is not known."""
    if trim is None:
        return duration
    rest = None if duration is None else max(0.0, duration - trim.start)
    known = [seconds for seconds in (rest, trim.duration) if seconds is not None]
    return min(known, default=None)


def parse_number(text: str, *, most: float = _LONGEST_SECONDS) -> float | None:
    """Read one of FFmpeg's numbers; None for what is no number from 0 to `most`."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


def advance(before: Progress | None, position: Position, total: float | None) -> Progress:
    """Return the progress at this position of `total` seconds; it never goes back.

    Without a total there is no percent.
    """
    reached = math.floor(min(_ALMOST, 100 * position.seconds / total)) if total else None
    return Progress(
        percent=reached if reached is None else max(reached, (before and before.percent) or 0),
        seconds=max(position.seconds, (before and before.seconds) or 0.0),
        speed=position.speed,
        estimated_seconds_left=_seconds_left(position, total),
    )


def _seconds_left(position: Position, total: float | None) -> int | None:
    if not total or not position.speed:
        return None
    left = max(0.0, total - position.seconds) / position.speed
    return math.ceil(left) if left <= _LONGEST_SECONDS else None
