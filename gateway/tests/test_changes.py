from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from soundstrip_crds.conversion import OwnerReference, VideoConversion
from soundstrip_gateway.changes import ConversionPatch, plan_change, plan_retry
from soundstrip_service.problems import Problem

MakeConversion = Callable[..., VideoConversion]


def _condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "Why.",
        "lastTransitionTime": "2026-01-02T03:05:00Z",
        "observedGeneration": 1,
    }


def _failed(runs: int = 1) -> dict[str, Any]:
    return {
        "conditions": [
            _condition("Succeeded", "False", "CorruptMedia"),
            _condition("Finished", "True", "CorruptMedia"),
        ],
        "runs": [{"number": number} for number in range(1, runs + 1)],
    }


def _patch(**words: Any) -> ConversionPatch:
    return msgspec.convert(words, ConversionPatch)


def test_only_what_is_said_changes_and_null_is_the_default(make_conversion: MakeConversion):
    patch = _patch(suspend=None, cancelled=True, priority=None, ttlSecondsAfterFinished=None)
    assert plan_change(make_conversion(), patch) == {
        "suspend": False,
        "cancelled": True,
        "priority": 0,
        "ttlSecondsAfterFinished": None,
    }
    assert plan_change(make_conversion(), _patch()) == {}


def test_what_has_finished_can_still_be_kept_longer(make_conversion: MakeConversion):
    done = make_conversion(status=_failed())
    assert plan_change(done, _patch(ttlSecondsAfterFinished=9)) == {"ttlSecondsAfterFinished": 9}
    for words in ({"cancelled": True}, {"suspend": True}):
        with pytest.raises(Problem, match="finished"):
            plan_change(done, _patch(**words))


def test_a_batch_decides_for_its_own(make_conversion: MakeConversion):
    one = make_conversion()
    owner = OwnerReference(kind="ConversionBatch", name="b", uid="u", controller=True)
    metadata = msgspec.structs.replace(one.metadata, owner_references=(owner,))
    led = msgspec.structs.replace(one, metadata=metadata)
    for words in ({"priority": 1}, {"suspend": False}):
        with pytest.raises(Problem, match="batch"):
            plan_change(led, _patch(**words))
    assert plan_change(led, _patch(cancelled=True)) == {"cancelled": True}


def test_a_retry_is_the_next_run(make_conversion: MakeConversion):
    again = plan_retry(make_conversion(status=_failed()))
    assert again == {"run": 2, "cancelled": False, "suspend": False}


def test_a_run_that_was_asked_for_is_not_asked_for_twice(make_conversion: MakeConversion):
    one = make_conversion(status=_failed())
    asked = msgspec.structs.replace(one, spec=msgspec.structs.replace(one.spec, run=2))
    with pytest.raises(Problem, match="about to run"):
        plan_retry(asked)


def test_what_waits_is_not_run_again(make_conversion: MakeConversion):
    with pytest.raises(Problem, match="not finished"):
        plan_retry(make_conversion())
