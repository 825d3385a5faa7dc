from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.reasons import BLOCKED, WAITING, Reason
from soundstrip_gateway.views import (
    Failed,
    Ready,
    Underway,
    describe,
    describe_legacy,
    judge,
    state_of,
)

MakeConversion = Callable[..., VideoConversion]

RESULT = {
    "fileId": "f" * 24,
    "filename": "clip.mp3",
    "size": 3,
    "sha256": "1" * 64,
    "contentType": "audio/mpeg",
    "durationSeconds": 1.5,
    "bitrate": 192000,
}


def _condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-02T03:05:00Z",
        "observedGeneration": 1,
    }


def _status(status: str, reason: str, **rest: Any) -> dict[str, Any]:
    return {"conditions": [_condition("Succeeded", status, reason, "Why.")], **rest}


def test_what_the_operator_has_not_seen_is_queued(make_conversion: MakeConversion):
    conversion = make_conversion()
    assert isinstance(judge(conversion), Underway)
    assert state_of(conversion) == "queued"


@pytest.mark.parametrize("reason", sorted(WAITING))
def test_what_waits_or_runs_is_under_way(make_conversion: MakeConversion, reason: Reason):
    conversion = make_conversion(status=_status("Unknown", reason))
    assert judge(conversion) == Underway(
        "queued" if reason is Reason.QUEUED else "running", reason, "Why."
    )


@pytest.mark.parametrize("reason", sorted(BLOCKED))
def test_what_a_person_has_to_see_to_waits(make_conversion: MakeConversion, reason: Reason):
    assert state_of(make_conversion(status=_status("Unknown", reason))) == "queued"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({}, {}),
        ({"profile": "voice"}, {"profile": "voice"}),
        ({"quality": "V2"}, {"format": "mp3", "quality": "V2"}),
    ],
)
def test_before_it_is_accepted_the_output_is_what_was_asked_for(
    make_conversion: MakeConversion, wish: dict[str, str], told: dict[str, str]
):
    assert msgspec.to_builtins(describe(make_conversion(output=wish), "/x").output) == told


def test_success_has_a_result(make_conversion: MakeConversion):
    conversion = make_conversion(status=_status("True", "Succeeded", result=RESULT))
    outcome = judge(conversion)
    assert isinstance(outcome, Ready)
    assert outcome.result.filename == "clip.mp3"


def test_a_success_whose_result_is_not_written_yet_is_under_way(make_conversion: MakeConversion):
    assert isinstance(judge(make_conversion(status=_status("True", "Succeeded"))), Underway)


def test_a_failure_says_why_and_a_cancelled_one_that_it_is(make_conversion: MakeConversion):
    failed = make_conversion(status=_status("False", "NoAudioTrack"))
    assert judge(failed) == Failed("NoAudioTrack", "Why.")
    assert state_of(failed) == "failed"
    assert state_of(make_conversion(status=_status("False", "Cancelled"))) == "cancelled"


def test_what_is_to_run_again_is_not_told_as_finished(make_conversion: MakeConversion):
    ended = [
        _condition("Finished", "True", "NoAudioTrack"),
        *_status("False", "NoAudioTrack")["conditions"],
    ]
    status = {"conditions": ended, "runs": [{"number": 1, "reason": "NoAudioTrack"}]}
    over = make_conversion(status=status)
    assert describe(over, "/x").finished_at is not None
    again = msgspec.structs.replace(over, spec=msgspec.structs.replace(over.spec, run=2))
    assert (state_of(again), describe(again, "/x").finished_at) == ("queued", None)


def test_a_reason_of_a_newer_operator_is_passed_on(make_conversion: MakeConversion):
    conversion = make_conversion(status=_status("Unknown", "Teleporting"))
    assert describe(conversion, "/x").reason == "Teleporting"


def test_the_json_holds_what_a_person_asks_for(make_conversion: MakeConversion):
    status = _status(
        "True",
        "Succeeded",
        output={"format": "mp3", "bitrate": "192k", "profile": "standard"},
        result=RESULT,
        progress={"percent": 100},
        media={"container": "mov", "durationSeconds": 1.5},
    )
    status["conditions"].append(_condition("Finished", "True", "Succeeded"))
    described = msgspec.to_builtins(describe(make_conversion(status=status), "/v1/c/1"))
    assert described["id"] == "vc-0123456789abcdef01234567"
    assert described["state"] == "succeeded"
    assert described["progress"] == {"percent": 100}
    assert described["output"] == {"format": "mp3", "bitrate": "192k", "profile": "standard"}
    assert described["links"] == {
        "self": "/v1/c/1",
        "result": "/v1/c/1/result",
        "source": "/v1/c/1/source",
    }
    assert described["createdAt"] == "2026-01-02T03:04:05Z"
    assert described["finishedAt"] == "2026-01-02T03:05:00Z"
    assert "owner" not in described


def test_the_legacy_answer_tells_how_far_it_is(make_conversion: MakeConversion):
    status = _status("Unknown", "Converting", progress={"percent": 40})
    assert msgspec.to_builtins(describe_legacy(make_conversion(status=status))) == {
        "video_fid": "0123456789abcdef01234567",
        "status": "running",
        "reason": "Converting",
        "message": "Why.",
        "progress": 40,
    }
