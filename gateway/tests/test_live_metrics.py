from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from soundstrip_gateway.live.backlog import Ready, Told
from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.health import build_app
from soundstrip_gateway.live.hub import Hub, Limits
from soundstrip_gateway.live.metrics import Metrics
from soundstrip_gateway.live.sights import Sight, see_gone
from soundstrip_gateway.live.stream import Pace
from soundstrip_gateway.live.tickets import Ticket, Verdict

SIGHT = Sight("vc-1", "ann", 5, b"{}")


@pytest.fixture
def board() -> Board:
    return Board(9)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def hub(board: Board, metrics: Metrics) -> Hub:
    hub = Hub(board, Limits(9, 1), Pace(), metrics)
    metrics.observe(board, hub)
    return hub


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_streams_conversions_and_refusals_are_counted(
    board: Board, metrics: Metrics, hub: Hub
):
    assert value(metrics, "soundstrip_live_stale") == 1
    assert hub.judge(Ticket("ann")) is Verdict.BLIND
    assert hub.judge(Ticket("")) is Verdict.BLIND
    list(board.replace([SIGHT], 5))
    with hub.admit(Ticket("ann")):
        assert hub.judge(Ticket("ann")) is Verdict.CROWDED
        assert value(metrics, "soundstrip_live_streams") == 1
    assert value(metrics, "soundstrip_live_streams") == 0
    assert value(metrics, "soundstrip_live_conversions") == 1
    assert value(metrics, "soundstrip_live_stale") == 0
    refused = "soundstrip_live_streams_refused_total"
    assert value(metrics, refused, reason="blind") == 1
    assert value(metrics, refused, reason="crowded") == 1
    assert value(metrics, refused, reason="full") == 0


def test_events_are_counted_by_their_kind(metrics: Metrics):
    metrics.see_sent([Told(5, SIGHT), Told(6, see_gone("vc-2", "ann", 6)), Ready(6)])
    sent = "soundstrip_live_events_sent_total"
    kinds = ("conversion", "deleted", "ready", "reset")
    assert [value(metrics, sent, event=kind) for kind in kinds] == [1, 1, 1, 0]


async def test_metrics_are_told_beside_health(board: Board, metrics: Metrics, hub: Hub):
    metrics.see_watch_end("too_old")
    server: Any = TestServer(build_app(board, hub, metrics.registry))
    async with TestClient(server) as client:
        answer = await client.get("/metrics")
        text = await answer.text()
    assert answer.status == 200
    assert 'soundstrip_live_watch_restarts_total{cause="too_old"} 1.0' in text
