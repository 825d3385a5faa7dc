"""Why a conversion is where it is: the finite taxonomy, and what a person can do about each."""

from enum import StrEnum


class Reason(StrEnum):
    """The reason of the condition Succeeded."""

    SUSPENDED = "Suspended"
    QUEUED = "Queued"
    PENDING = "Pending"
    CONVERTING = "Converting"
    STORING = "Storing"

    INVALID_PROFILE = "InvalidProfile"

    SUCCEEDED = "Succeeded"

    UNSUPPORTED_MEDIA = "UnsupportedMedia"
    NO_AUDIO_TRACK = "NoAudioTrack"
    CORRUPT_MEDIA = "CorruptMedia"
    SOURCE_MISSING = "SourceMissing"
    LIMIT_EXCEEDED = "LimitExceeded"
    CANCELLED = "Cancelled"

    STORAGE_UNAVAILABLE = "StorageUnavailable"
    WORKER_LOST = "WorkerLost"
    START_FAILED = "StartFailed"
    DISK_FULL = "DiskFull"
    OUT_OF_MEMORY = "OutOfMemory"
    DEADLINE_EXCEEDED = "DeadlineExceeded"


WAITING = frozenset(
    {Reason.SUSPENDED, Reason.QUEUED, Reason.PENDING, Reason.CONVERTING, Reason.STORING}
)

BLOCKED = frozenset({Reason.INVALID_PROFILE})
"""A person has to do something; when it is done, it goes on by itself."""

PERMANENT = frozenset(
    {
        Reason.UNSUPPORTED_MEDIA,
        Reason.NO_AUDIO_TRACK,
        Reason.CORRUPT_MEDIA,
        Reason.SOURCE_MISSING,
        Reason.LIMIT_EXCEEDED,
        Reason.CANCELLED,
    }
)
"""Another try would end the same way, so there is none."""

TRANSIENT = frozenset(
    {
        Reason.STORAGE_UNAVAILABLE,
        Reason.WORKER_LOST,
        Reason.START_FAILED,
        Reason.DISK_FULL,
        Reason.OUT_OF_MEMORY,
        Reason.DEADLINE_EXCEEDED,
    }
)
"""The world's fault: tried again, and final only when the tries are used up."""

REMEDY: dict[Reason, str] = {
    Reason.SUSPENDED: "It is suspended; set spec.suspend to false to have it go on.",
    Reason.QUEUED: "Waiting for a free place; the operator starts it by itself.",
    Reason.PENDING: "The worker pod is starting; its own message says what it waits for.",
    Reason.CONVERTING: "FFmpeg is at work.",
    Reason.STORING: "The audio is made and is being stored.",
    Reason.INVALID_PROFILE: "Create that ConversionProfile, and it goes on by itself; or delete "
    "this and ask for a profile that there is.",
    Reason.SUCCEEDED: "The audio is ready to be downloaded.",
    Reason.UNSUPPORTED_MEDIA: "The file is no video or audio that can be read here; upload MP4, "
    "M4V, MOV, MKV, WebM, AVI, FLV or WMV.",
    Reason.NO_AUDIO_TRACK: "The file does not have the audio that is asked for; upload one that "
    "has sound, or ask for a track and a part that it has.",
    Reason.CORRUPT_MEDIA: "The file is damaged or cut off; check that it plays to its end, and "
    "upload it again.",
    Reason.SOURCE_MISSING: "The owner has no complete upload with this file id; upload the file "
    "again.",
    Reason.LIMIT_EXCEEDED: "The file asks for more than a conversion may take; upload a shorter "
    "or smaller one, or ask the administrator for higher limits.",
    Reason.CANCELLED: "It was cancelled on request; to have it run again, set spec.cancelled to "
    "false and raise spec.run by one in the same change.",
    Reason.STORAGE_UNAVAILABLE: "MongoDB did not answer the worker; check that it runs and that "
    "its credentials are right.",
    Reason.WORKER_LOST: "The worker pod ended before its work was done; look at the node and at "
    "the events of the namespace.",
    Reason.START_FAILED: "The worker pod could not start; its own message says why (image, quota, "
    "resources).",
    Reason.DISK_FULL: "The worker ran out of disk; raise worker.diskHeadroom or free the node's "
    "disk.",
    Reason.OUT_OF_MEMORY: "The worker ran out of memory; raise worker.memory if its files need it.",
    Reason.DEADLINE_EXCEEDED: "The conversion took longer than activeDeadlineSeconds; raise it or "
    "upload a shorter file.",
}
