"""An upload with an Idempotency-Key whose gateway dies over it is not taken twice."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from tests.faulty_api import SILENCE, Fault, FaultyApi, Target
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until

_CONVERSIONS, _BATCHES = "/v1/conversions", "/v1/batches"
_MADE = {"files": [("file", ("made.mp4", VIDEO))], "headers": {"Idempotency-Key": "made"}}
_ORDERED = {"files": [("file", ("ordered.mp4", VIDEO))], "headers": {"Idempotency-Key": "ordered"}}
_BATCH = {
    "files": [("file", ("1.mp4", VIDEO)), ("file", ("2.mp4", VIDEO))],
    "headers": {"Idempotency-Key": "batch"},
}
_REQUESTS = ((_CONVERSIONS, _MADE), (_CONVERSIONS, _ORDERED), (_BATCHES, _BATCH))


def _faults() -> list[Fault]:
    """One conversion is made, and nobody hears of it; one, and a batch, is not even made.

    Who then looks whether they stand hears nothing either: so they wait for longer than the test.
    """
    creation, look = Target("POST", "/videoconversions"), Target("GET", "/namespaces/")
    return [
        Fault(look, SILENCE, times=100),
        Fault(creation, SILENCE, about="made.mp4", is_lost=True),
        Fault(creation, SILENCE, about="ordered.mp4"),
        Fault(Target("POST", "/conversionbatches"), SILENCE),
    ]


def test_what_a_killed_gateway_has_promised_is_what_the_next_one_answers_with(
    stage: Stage, api: FaultyApi, tmp_path: Path
):
    kubeconfig = tmp_path / "faulty"
    kubeconfig.write_text(api.kubeconfig)
    api.faults.extend(_faults())
    with (
        ThreadPoolExecutor(len(_REQUESTS)) as clients,
        stage.run_gateway(KUBECONFIG=str(kubeconfig)) as gateway,
    ):
        sent = [clients.submit(_send, gateway, stage, *each) for each in _REQUESTS]
        wait_until(lambda: all(fault.met for fault in api.faults[1:]), "all is about to be made")
        wait_until(lambda: api.done("POST", "", "made.mp4"), "one is made")
        gateway.kill()
        assert not any(_arrived(one) for one in sent)
    stored = stage.leftovers()["sources.files"]
    assert stored == 4
    past = datetime.now(UTC) - timedelta(seconds=1)
    stage.database["requests"].update_many({}, {"$set": {"leasedUntil": past}})

    with stage.run_gateway(TAKE_UP_SECONDS="3600") as gateway:
        other = {**_MADE, "files": [("file", ("made.mp4", VIDEO + b"x"))]}
        assert _send(gateway, stage, _CONVERSIONS, other).status_code == 422
        answers = [_send(gateway, stage, *each) for each in _REQUESTS]
        assert [answer.status_code for answer in answers] == [202] * 3, answers
        again = [_send(gateway, stage, *each) for each in _REQUESTS]
    assert [answer.json() for answer in again] == [answer.json() for answer in answers]
    names = [answer.json()["source"]["filename"] for answer in answers[:2]]
    assert names == ["made.mp4", "ordered.mp4"]
    assert answers[2].json()["sources"] == 2
    assert len(stage.kube.list("videoconversions")) == 2
    assert len(stage.kube.list("conversionbatches")) == 1
    assert stage.leftovers()["sources.files"] == stored
    assert "intents" not in stage.leftovers()


def _send(gateway: Gateway, stage: Stage, path: str, request: dict[str, Any]) -> requests.Response:
    headers = stage.header("ann") | request["headers"]
    files = request["files"]
    return requests.post(gateway.url + path, files=files, headers=headers, timeout=30)


def _arrived(one: Future[requests.Response]) -> bool:
    with suppress(requests.ConnectionError):
        one.result(30)
        return True
    return False
