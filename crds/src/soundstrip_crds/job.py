"""What passes between the operator and the two containers of a conversion's pod.

The operator hands both containers a `JobPlan`; each ends with an `ExitCode` and a report in its
termination message. The converter is not trusted: the mover and the operator take its reports for
claims, within the bounds stated here.
"""

import hashlib
import hmac
from enum import IntEnum
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.conversion import MeasuredLoudness, Media, Moment, Progress, Result, Source
from soundstrip_crds.reasons import Reason

PLAN_VARIABLE = "SOUNDSTRIP_PLAN"
"""Environment variable of both containers: the JobPlan as JSON."""

SOURCE_DIRECTORY = "/conversion/source"
"""Writable by the mover, read-only in the converter."""

OUTPUT_DIRECTORY = "/conversion/output"
"""Writable by the converter, read-only in the mover."""

TERMINATION_MESSAGE_LIMIT = 4096
"""Bytes that Kubernetes keeps of a termination message."""

PROGRESS_BODY_LIMIT = 16384

FileType = Literal["mp3", "m4a", "opus", "ogg", "flac", "wav", "mka"]
"""The kinds of file that there are for results: the extension of their names."""

CONTENT_TYPES: dict[FileType, str] = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "opus": "audio/ogg; codecs=opus",
    "ogg": "audio/ogg; codecs=vorbis",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "mka": "audio/matroska",
}
"""RFC 3003, 4337, 7845 and 5334, 9639, 2361 (as browsers write it) and 9559."""

CORES_LIMIT = 16
"""More FFmpegs at once would have more to decode than to gain."""

T = TypeVar("T")


class ExitCode(IntEnum):
    """How a container ended; each code but the first has a reason."""

    OK = 0
    UNSUPPORTED_MEDIA = 10
    NO_AUDIO_TRACK = 11
    CORRUPT_MEDIA = 12
    SOURCE_MISSING = 13
    LIMIT_EXCEEDED = 14
    STORAGE_UNAVAILABLE = 20
    WORKER_LOST = 21
    DISK_FULL = 22
    PEER_LOST = 23
    """The other container ended early: its own code tells the story."""


REASON_OF_EXIT_CODE: dict[ExitCode, Reason] = {
    ExitCode.OK: Reason.SUCCEEDED,
    ExitCode.UNSUPPORTED_MEDIA: Reason.UNSUPPORTED_MEDIA,
    ExitCode.NO_AUDIO_TRACK: Reason.NO_AUDIO_TRACK,
    ExitCode.CORRUPT_MEDIA: Reason.CORRUPT_MEDIA,
    ExitCode.SOURCE_MISSING: Reason.SOURCE_MISSING,
    ExitCode.LIMIT_EXCEEDED: Reason.LIMIT_EXCEEDED,
    ExitCode.STORAGE_UNAVAILABLE: Reason.STORAGE_UNAVAILABLE,
    ExitCode.WORKER_LOST: Reason.WORKER_LOST,
    ExitCode.DISK_FULL: Reason.DISK_FULL,
    ExitCode.PEER_LOST: Reason.WORKER_LOST,
}


class _Message(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A message between processes, as JSON."""


class JobPlan(_Message, frozen=True):
    """All that a pod needs to know of its conversion; it holds no secret."""

    install: str
    conversion: str
    uid: str
    run: int
    try_number: int
    owner: str
    source: Source
    output: ResolvedOutput
    max_result_bytes: int
    """The most bytes that the mover takes from the converter."""
    cores: Annotated[int, Meta(ge=1, le=CORES_LIMIT)] = 1
    """How many FFmpegs the converter runs at once."""


class ConverterReport(_Message, frozen=True):
    """The converter's claim about what it made, or the sentence about why it could not."""

    file_type: FileType = "mp3"
    copied: bool = False
    duration_seconds: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    loudness: MeasuredLoudness | None = None
    media: Media | None = None
    message: Annotated[str, Meta(max_length=1024)] | None = None


class Stages(_Message, frozen=True):
    """When the mover began and came to the end of each stage, by its own clock."""

    started: Moment
    fetched: Moment | None = None
    converted: Moment | None = None
    stored: Moment | None = None


class MoverReport(_Message, frozen=True):
    """The mover's termination message: the stored result, or why there is none."""

    result: Result | None = None
    media: Media | None = None
    stages: Stages | None = None
    message: Annotated[str, Meta(max_length=1024)] | None = None


class ProgressPost(_Message, frozen=True):
    """What the mover posts, at most once a second, to `/v1/progress/<uid>/<run>/<try>`.

    Lossy by design: the status is right without any of it.
    """

    reason: Reason
    """PENDING while the source is fetched, then CONVERTING, then STORING."""
    progress: Progress | None = None
    media: Media | None = None


class Unreadable(Exception):
    """A message is no message, or says what is outside its bounds."""


def read_message(content: bytes | str, kind: type[T]) -> T:
    """Read a message from a process that may have been taken over.

    Raises:
        Unreadable: Whatever is wrong with it: no UTF-8, no JSON, too deep, or out of bounds.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
        raise Unreadable(f"no {kind.__name__}: {type(error).__name__}") from error


def progress_token(key: bytes, uid: str, run: int, try_number: int) -> str:
    """Return the bearer token that is worth the progress of one try and nothing else."""
    return hmac.new(key, f"{uid}/{run}/{try_number}".encode(), hashlib.sha256).hexdigest()


def progress_path(uid: str, run: int, try_number: int) -> str:
    """Return the path on the operator's HTTP server that takes this try's progress."""
    return f"/v1/progress/{uid}/{run}/{try_number}"
