"""Events as the operator publishes them."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from soundstrip_crds.conversion import Owner, Result
from soundstrip_crds.events import CloudEvent, ConversionFinished, event_id
from soundstrip_crds.reasons import Reason

FILE_ID = "65f000000000000000000001"
UID = "0b7f3c1e-8f0a-4c5e-9c0b-1d2e3f405162"

DATA = ConversionFinished(
    name=f"vc-{FILE_ID}",
    namespace="soundstrip",
    uid=UID,
    run=1,
    owner=Owner(id="42", name="Ada"),
    filename="talk.mp4",
    source_file_id=FILE_ID,
    reason=Reason.SUCCEEDED,
    message="The audio is ready to be downloaded.",
    email="ada@example.org",
    result=Result(
        file_id="65f000000000000000000002",
        filename="talk.mp3",
        size=720_437,
        sha256="0" * 64,
        content_type="audio/mpeg",
        duration_seconds=30.04,
        bitrate=191_860,
    ),
)


@pytest.fixture
def succeeded() -> Callable[..., CloudEvent]:
    """Make the event of a success, with some of its data replaced."""

    def make(**changes: object) -> CloudEvent:
        return CloudEvent(
            id=event_id(UID, 1),
            source="/soundstrip/operator",
            type="dev.soundstrip.conversion.succeeded",
            subject=DATA.name,
            time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            data=msgspec.structs.replace(DATA, **changes),
        )

    return make


@pytest.fixture
def failed(succeeded: Callable[..., CloudEvent]) -> Callable[..., CloudEvent]:
    """Make the event of a failure, with some of its data replaced."""

    def make(**changes: object) -> CloudEvent:
        why = {"reason": Reason.NO_AUDIO_TRACK, "message": "ffprobe found no audio track."}
        event = succeeded(**{"result": None} | why | changes)
        return msgspec.structs.replace(event, type="dev.soundstrip.conversion.failed")

    return make
