"""Whether FFmpeg made what was asked for, judged by how far it came: its exit code says little.

FFmpeg ends with 0 on many damaged files, with little or no audio made. So what the file's headers
claim is held against the timestamp that FFmpeg reached.
"""

import re
import signal
from enum import Enum, auto

import msgspec

from soundstrip_crds.job import ExitCode
from soundstrip_worker.answers import Basis, Claim
from soundstrip_worker.failures import Disrupted, Failure, Rejected
from soundstrip_worker.probing import NOT_WHITELISTED

SLACK_SECONDS = 0.5
SLACK_SHARE = 0.005
"""How much less than claimed is still all: headers round, and codecs pad and skip."""

_OVERSHOOT = 64 * 1024
_NO_SPACE = "No space left on device"
_QUOTA = "Disk quota exceeded"
_NO_MEMORY = "Cannot allocate memory"
_NOISE = (NOT_WHITELISTED, "Last message repeated", "Failed to open codec in", "file:/")
_SPEAKER = re.compile(r"^\[[^]]* @ 0x[0-9a-f]+\] ")
_COMPLAINT_LENGTH = 300


class Ending(msgspec.Struct, frozen=True):
    """How a run of FFmpeg's tools ended; `status` is negative for a signal, as in subprocess."""

    status: int
    complaints: str
    timed_out: bool = False


class Made(msgspec.Struct, frozen=True):
    """What a run of FFmpeg made, and how far in the media it came.

    `seconds` is the length of the audio itself: where the source has gaps, less than `reached`.
    """

    size: int
    most_bytes: int
    reached: float
    seconds: float


class Verdict(Enum):
    """What is to be done with an output that nothing is wrong with."""

    GOOD = auto()
    DOUBTFUL = auto()
    """The audio ended before the file is said to end: good only if the video goes on to there."""


def refuse_probe(ending: Ending) -> Failure:
    """Return why a file that ffprobe did not describe cannot be converted."""
    if failure := _failure(ending):
        return failure
    if NOT_WHITELISTED in ending.complaints:
        return Rejected(ExitCode.UNSUPPORTED_MEDIA, "The audio codec of the file is not supported.")
    return damaged(ending)


def damaged(ending: Ending) -> Rejected:
    """Return that the file is damaged, in FFmpeg's words."""
    return Rejected(
        ExitCode.CORRUPT_MEDIA, _sentence("The file is damaged or cut off", ending.complaints)
    )


def require_end(ending: Ending) -> None:
    """Raise what kept FFmpeg from coming to an end, if anything did."""
    if failure := _failure(ending):
        raise failure


def judge(ending: Ending, made: Made, claim: Claim | None) -> Verdict:
    """Judge a run of FFmpeg.

    Raises:
        Rejected: CORRUPT_MEDIA for less audio than the track claims; LIMIT_EXCEEDED at the limit.
        Disrupted: DISK_FULL, or WORKER_LOST if FFmpeg was killed.
    """
    require_end(ending)
    if made.size >= made.most_bytes:
        raise Rejected(
            ExitCode.LIMIT_EXCEEDED, f"The audio is larger than {made.most_bytes} bytes."
        )
    if not made.seconds or (ending.status and not claim):
        raise damaged(ending)
    if not claim or reaches(made.reached, claim):
        return Verdict.GOOD
    if claim.basis is Basis.FILE:
        return Verdict.DOUBTFUL
    raise cut_off(made.reached, claim)


def size_bound(most_bytes: int) -> int:
    """Return where FFmpeg is told to stop, so that it ends below `most_bytes`.

    Its `-fs` is overshot by a packet, a buffer and a trailer.
    """
    return most_bytes - min(_OVERSHOOT, most_bytes // 8)


def reaches(seconds: float, claim: Claim) -> bool:
    """Tell whether this timestamp is the claimed end, within the slack."""
    return seconds >= claim.seconds - SLACK_SECONDS - SLACK_SHARE * claim.seconds


def cut_off(seconds: float, claim: Claim) -> Rejected:
    """Return that the file holds less than it claims."""
    return Rejected(
        ExitCode.CORRUPT_MEDIA,
        f"The file is damaged or cut off: it should last {claim.seconds:.1f} s, "
        f"and ends after {seconds:.1f} s.",
    )


def _failure(ending: Ending) -> Failure | None:
    if ending.timed_out:
        return Rejected(ExitCode.LIMIT_EXCEEDED, "The file takes too long to be looked at.")
    if _NO_SPACE in ending.complaints or _QUOTA in ending.complaints:
        return Disrupted(ExitCode.DISK_FULL, "The worker's disk is full.")
    if ending.status and _NO_MEMORY in ending.complaints:
        return Rejected(
            ExitCode.LIMIT_EXCEEDED, "The file takes more memory to be read than there is."
        )
    if ending.status == -signal.SIGKILL:
        return Disrupted(
            ExitCode.WORKER_LOST, "FFmpeg was killed, most likely for the memory it took."
        )
    if ending.status < 0:
        return Rejected(
            ExitCode.CORRUPT_MEDIA, f"FFmpeg crashed over the file (signal {-ending.status})."
        )
    return None


def _sentence(start: str, complaints: str) -> str:
    """Add FFmpeg's last complaint that says something, without what could confuse a terminal."""
    lines = [line.strip() for line in complaints.splitlines()]
    telling = [line for line in lines if line and not any(noise in line for noise in _NOISE)]
    if not telling:
        return f"{start}."
    said = _SPEAKER.sub("", telling[-1])
    words = "".join(c for c in said if c.isprintable())[:_COMPLAINT_LENGTH]
    return f"{start} (FFmpeg: {words})."
