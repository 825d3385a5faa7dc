"""Claims about the HTTP face, over a real socket."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from soundstrip_crds.job import PROGRESS_BODY_LIMIT, ProgressPost, progress_path, progress_token
from soundstrip_operator.progress_server import build_app

KEY = b"k" * 32
GOOD = b'{"reason":"Converting","progress":{"percent":5}}'


class Listener:
    def __init__(self) -> None:
        self.taken: list[tuple[str, int, int, ProgressPost]] = []
        self.lacks: dict[str, str] = {}
        self.known = True
        self.other = ""
        self.hanging = False

    def standing_by(self) -> str:
        return self.other

    def hangs(self) -> bool:
        return self.hanging

    def take(self, uid: str, run: int, number: int, post: ProgressPost) -> bool:
        self.taken.append((uid, run, number, post))
        return self.known


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def client(listener: Listener) -> AsyncIterator[TestClient]:
    registry = CollectorRegistry()
    Counter("clips", "Clips.", registry=registry).inc()
    app = build_app(KEY, listener.take, lambda: listener.lacks, listener, registry)
    async with TestClient(TestServer(app)) as client:
        yield client


async def post(client: TestClient, body: bytes, uid: str = "u", whose: str = "u") -> int:
    headers = {"Authorization": f"Bearer {progress_token(KEY, whose, 1, 2)}"}
    answer = await client.post(progress_path(uid, 1, 2), data=body, headers=headers)
    return answer.status


async def test_a_post_with_its_trys_token_is_taken(client: TestClient, listener: Listener):
    assert await post(client, GOOD) == 204
    uid, run, number, taken = listener.taken[0]
    assert (uid, run, number) == ("u", 1, 2)
    assert taken.progress is not None
    assert taken.progress.percent == 5


async def test_a_token_is_worth_no_other_conversion(client: TestClient, listener: Listener):
    assert await post(client, GOOD, whose="another") == 401
    answer = await client.post(progress_path("u", 1, 2), data=GOOD)
    assert answer.status == 401
    assert listener.taken == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"reason":"Succeeded"}',
        b'{"reason":"Converting","progress":{"percent":101}}',
        b'{"reason":"Converting","media":{"container":"' + b"x" * 64 + b'"}}',
    ],
)
async def test_what_is_no_progress_is_refused(client: TestClient, listener: Listener, body: bytes):
    assert await post(client, body) == 400
    assert listener.taken == []


async def test_a_body_beyond_the_limit_is_refused(client: TestClient, listener: Listener):
    assert await post(client, b" " * (PROGRESS_BODY_LIMIT + 1)) == 413
    assert listener.taken == []


async def test_a_conversion_that_is_over_is_not_found(client: TestClient, listener: Listener):
    listener.known = False
    assert await post(client, GOOD) == 404


async def test_health_names_what_is_missing_and_livez_asks_nobody(
    client: TestClient, listener: Listener
):
    assert (await client.get("/health")).status == 200
    listener.lacks = {"kubernetes": "not listed yet"}
    answer = await client.get("/health")
    assert answer.status == 503
    assert (await answer.json())["missing"] == listener.lacks
    assert (await client.get("/livez")).status == 200


@pytest.mark.parametrize(
    ("accept", "kind", "end"),
    [
        ("*/*", "text/plain; version=0.0.4", ""),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF"),
    ],
)
async def test_metrics_are_told_in_the_format_that_is_asked_for(
    client: TestClient, accept: str, kind: str, end: str
):
    answer = await client.get("/metrics", headers={"Accept": accept})
    text = await answer.text()
    assert answer.headers["Content-Type"].startswith(kind)
    assert "clips_total 1.0" in text
    assert text.strip().endswith(end)


async def test_a_standby_is_healthy_says_who_acts_and_takes_no_progress(
    client: TestClient, listener: Listener
):
    listener.other = "another acts"
    answer = await client.get("/health")
    assert answer.status == 200
    assert await answer.json() == {"status": "standing by", "message": "another acts"}
    assert await post(client, GOOD) == 503
    assert listener.taken == []


async def test_who_has_ceased_to_care_for_the_lease_does_not_live(
    client: TestClient, listener: Listener
):
    listener.hanging = True
    assert (await client.get("/livez")).status == 503
