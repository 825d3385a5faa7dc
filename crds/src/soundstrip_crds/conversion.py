"""VideoConversion in Python: the same fields and bounds as the CRD's YAML, held to it by a test.

Parsing is lenient to unknown fields (a newer CRD may have more) and strict about known ones.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import Output, ResolvedOutput
from soundstrip_crds.names import API_VERSION, KIND

FileId = Annotated[str, Meta(pattern="^[0-9a-f]{24}$", max_length=24)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Filename = Annotated[str, Meta(min_length=1, max_length=255)]
ContentType = Annotated[str, Meta(max_length=127)]
Size = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Sentence = Annotated[str, Meta(max_length=1024)]
Word = Annotated[str, Meta(max_length=63)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
"""What a media file can say of itself, and a JSON number can hold."""
Moment = Annotated[datetime, Meta(tz=True)]

Priority = Annotated[int, Meta(ge=-1000, le=1000)]
QueueName = Annotated[str, Meta(pattern="^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]

DEFAULT_DEADLINE_SECONDS = 3600


class _Object(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False
):
    """A part of the object, as the API server holds it."""


class Source(_Object, frozen=True):
    """The uploaded file in the bucket `sources`.

    The last two are what its own index says, for planning alone: a file can lie.
    """

    file_id: FileId
    filename: Filename
    size: Size
    content_type: ContentType
    sha256: Sha256
    audio_bytes: Size | None = None
    duration_seconds: Seconds | None = None


class Owner(_Object, frozen=True):
    """Who uploaded the source; `id` is a valid label value and stands in the owner label too."""

    id: Annotated[
        str, Meta(pattern="^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$", max_length=63)
    ]
    name: Annotated[str, Meta(min_length=1, max_length=127)]


class Notify(_Object, frozen=True):
    """Which messages the owner gets at the end."""

    email: bool = True


class Spec(_Object, frozen=True):
    """What is wanted; source, output and owner never change."""

    source: Source
    owner: Owner
    output: Output = Output()
    notify: Notify = Notify()
    cancelled: bool = False
    suspend: bool = False
    priority: Priority = 0
    queue_name: QueueName | None = None
    run: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    active_deadline_seconds: Annotated[int, Meta(ge=1, le=86400)] = DEFAULT_DEADLINE_SECONDS
    ttl_seconds_after_finished: Annotated[int, Meta(ge=0, le=315_360_000)] | None = None


ConditionType = Literal["Accepted", "Succeeded", "Finished", "Notified"]
ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(_Object, frozen=True):
    """A condition by the Kubernetes API conventions."""

    type: ConditionType
    status: ConditionStatus
    reason: Annotated[str, Meta(pattern="^[A-Za-z]+$", max_length=63)]
    message: Sentence
    last_transition_time: Moment
    observed_generation: Annotated[int, Meta(ge=0)]


class Queue(_Object, frozen=True):
    """Where it stands in the line, from 1; there only while it waits for a place."""

    position: Annotated[int, Meta(ge=1)]


class Progress(_Object, frozen=True):
    """How far FFmpeg has come; there is no percent where the media's length is not known.

    `seconds` is the media's time that is converted, `speed` the media's time per time.
    """

    percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    seconds: Seconds | None = None
    speed: Annotated[float, Meta(ge=0)] | None = None
    estimated_seconds_left: Annotated[int, Meta(ge=0)] | None = None


class Track(_Object, frozen=True):
    """An audio track of the source; `bitrate` is in bits per second."""

    index: Count
    codec: Word
    channels: Count | None = None
    sample_rate: Count | None = None
    bitrate: Count | None = None
    language: Word | None = None


class Media(_Object, frozen=True):
    """What the source turned out to be."""

    container: Word
    duration_seconds: Seconds | None = None
    tracks: Annotated[tuple[Track, ...], Meta(max_length=32)] = ()

    def __post_init__(self) -> None:
        """The API server refuses a status in which two tracks have one index, and all with it."""
        if len({track.index for track in self.tracks}) < len(self.tracks):
            raise ValueError("two tracks have the same index")


class MeasuredLoudness(_Object, frozen=True):
    """How loud audio is, by EBU R128: integrated LUFS, and its highest true peak in dBTP."""

    integrated: Annotated[float, Meta(ge=-100, le=100)]
    true_peak: Annotated[float, Meta(ge=-200, le=100)]


class Result(_Object, frozen=True):
    """The audio file in the bucket `results`; `bitrate` is its mean in bits per second.

    `copied` says that the source's own audio was kept, not encoded again; `loudness` is there if
    one was asked for, and the audio is not silent.
    """

    file_id: FileId
    filename: Filename
    size: Size
    sha256: Sha256
    content_type: ContentType
    duration_seconds: Seconds
    bitrate: Annotated[int, Meta(ge=0)]
    copied: bool = False
    loudness: MeasuredLoudness | None = None


class Try(_Object, frozen=True):
    """One Job, and how it ended; without `finishedAt` it is under way."""

    number: Annotated[int, Meta(ge=1)]
    job: Word
    started_at: Moment
    finished_at: Moment | None = None
    reason: Annotated[str, Meta(pattern="^[A-Za-z]+$", max_length=63)] | None = None
    message: Sentence | None = None
    exit_code: Annotated[int, Meta(ge=0, le=255)] | None = None


class Run(_Object, frozen=True):
    """The tries that led, or lead, to one outcome; without `finishedAt` it is under way."""

    number: Annotated[int, Meta(ge=1)]
    finished_at: Moment | None = None
    reason: Annotated[str, Meta(pattern="^[A-Za-z]+$", max_length=63)] | None = None
    tries: Annotated[tuple[Try, ...], Meta(max_length=20)] = ()


class Status(_Object, frozen=True):
    """What is; the operator alone writes it."""

    observed_generation: Annotated[int, Meta(ge=0)] | None = None
    conditions: Annotated[tuple[Condition, ...], Meta(max_length=8)] = ()
    queue: Queue | None = None
    output: ResolvedOutput | None = None
    progress: Progress | None = None
    media: Media | None = None
    result: Result | None = None
    runs: Annotated[tuple[Run, ...], Meta(max_length=20)] = ()

    def condition(self, kind: ConditionType) -> Condition | None:
        """Return the condition of this type, if it was ever set."""
        return next((c for c in self.conditions if c.type == kind), None)


class OwnerReference(_Object, frozen=True):
    """Whom the object goes with."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Metadata(_Object, frozen=True):
    """The part of the object's metadata that Soundstrip reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 1
    resource_version: str = ""
    creation_timestamp: Moment | None = None
    deletion_timestamp: Moment | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()


class VideoConversion(_Object, frozen=True):
    """One conversion: the only truth about it."""

    metadata: Metadata
    spec: Spec
    status: Status = Status()
    api_version: str = API_VERSION
    kind: str = KIND

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "VideoConversion":
        """Parse what the API server sent; `msgspec.ValidationError` says which field is wrong."""
        return msgspec.convert(body, cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the body that the API server takes."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        return {"apiVersion": self.api_version, "kind": self.kind} | body
