"""Traces across gateway, operator and notifier, with a real exporter in each."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from tests.gateways import VIDEO, Gateway, Stage
from tests.mailing import Sink, running_sink
from tests.notifying import Desk
from tests.operator_process import OperatorProcess
from tests.traces import Collector
from tests.waiting import wait_until

from soundstrip_crds.names import TRACEPARENT_ANNOTATION

_TRACE, _CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_HEADER = f"00-{_TRACE}-{_CALLER}-01"
_SPANS = ("upload", "wait for a place", "try 1", "conversion", "notify")
_QUICK_END = {"START_TIMEOUT_SECONDS": "1", "MAX_TRIES": "1"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def desk(amqp_url: str, mongo_uri: str, stage: Stage, sink: Sink, tmp_path: Path) -> Desk:
    return Desk(amqp_url, mongo_uri, stage.database.name, sink, tmp_path)


@pytest.fixture
def operator(stage: Stage, desk: Desk, tmp_path: Path) -> Iterator[OperatorProcess]:
    stores = {
        "MONGO_URI": desk.mongo_uri,
        "MONGO_DB": desk.database,
        "RABBITMQ_URI": desk.amqp_url,
    }
    process = OperatorProcess(stage.kube, tmp_path, stores)
    yield process
    process.kill()
    print(process.log())


def upload(gateway: Gateway, stage: Stage, **headers: str) -> str:
    answer = requests.post(
        f"{gateway.url}/v1/conversions",
        headers=stage.header("ann") | headers,
        params={"filename": "clip.mp4"},
        data=VIDEO,
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def annotations(stage: Stage, name: str) -> dict[str, str]:
    body = stage.kube.get("videoconversion", name) or {}
    found: dict[str, str] = body["metadata"].get("annotations", {})
    return found


def test_one_trace_leads_from_the_upload_to_the_notification(
    stage: Stage, operator: OperatorProcess, desk: Desk, httpserver: HTTPServer
) -> None:
    collector = Collector(httpserver)
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    operator.start(**tracing, **_QUICK_END)
    with stage.run_gateway(**tracing) as gateway, desk.notifier(**tracing):
        name = upload(gateway, stage, traceparent=_HEADER)
        wait_until(lambda: {s.name for s in collector.spans} >= set(_SPANS), "all of it is told")

    begin, wait, first, whole, end = map(collector.named, _SPANS)
    assert {span.trace_id for span in collector.spans} == {_TRACE}
    assert annotations(stage, name)[TRACEPARENT_ANNOTATION] == f"00-{_TRACE}-{begin.span_id}-01"
    assert begin.parent_id == _CALLER
    assert whole.parent_id == begin.span_id
    assert {wait.parent_id, first.parent_id, end.parent_id} == {whole.span_id}
    assert {span.attributes["soundstrip.conversion"] for span in (begin, whole, end)} == {name}
    assert (first.error, whole.error, end.error) == ("StartFailed", "StartFailed", "")
    assert {s.service for s in collector.spans} == {
        "soundstrip-gateway",
        "soundstrip-operator",
        "soundstrip-notifier",
    }


def test_without_a_collector_only_a_callers_own_trace_is_handed_on(
    stage: Stage, gateway: Gateway
) -> None:
    assert annotations(stage, upload(gateway, stage, traceparent=_HEADER)) == {
        TRACEPARENT_ANNOTATION: _HEADER
    }
    assert annotations(stage, upload(gateway, stage, traceparent="00-nonsense")) == {}
    assert annotations(stage, upload(gateway, stage)) == {}


def test_no_service_loads_opentelemetry_unless_it_is_told_to() -> None:
    mains = "soundstrip_gateway.main, soundstrip_operator.main, soundstrip_notifier.main"
    program = f"import sys, {mains}; print('opentelemetry' in sys.modules)"
    told = subprocess.check_output([sys.executable, "-c", program], text=True, timeout=200)
    assert told == "False\n"
