"""Whatever is asked of the API, it answers as its own description says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.gateways import VIDEO, Gateway, Stage
from tests.live import run_replica
from tests.schemathesis_run import check_api

_OUTCOMES = (("Succeeded", b"ID3"), ("NoAudioTrack", None), (None, None))
_HOOKS = f"""
import schemathesis
from hypothesis import strategies

media = strategies.binary(max_size=64).map(lambda tail: {VIDEO!r} + tail)
for kind in ("video/*", "audio/*", "application/offset+octet-stream"):
    schemathesis.openapi.media_type(kind, media)
schemathesis.openapi.format("binary", media)
"""
"""What goes for a video, so that uploads get beyond the door."""


@pytest.fixture(scope="module")
def shared_gateway(shared_stage: Stage) -> Iterator[Gateway]:
    """A gateway whose live events end at once."""
    with run_replica(shared_stage, MAX_STREAM_SECONDS="0.05") as replica:
        yield replica.gateway


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("admin", "paths", "event"),
    [
        (False, "--exclude-path-regex=^/v1/admin/", "created"),
        (True, "--include-path-regex=^/v1/admin/", "audit"),
    ],
    ids=["user", "admin"],
)
def test_every_answer_is_as_the_description_says(
    gateway: Gateway,
    stage: Stage,
    tmp_path: Path,
    *,
    admin: bool,
    paths: str,
    event: str,
):
    """To a user, and what is for administrators to one of them: to others it is a 403."""
    header = {"Authorization": f"Bearer {stage.auth.token('ann', admin=admin)}"}
    for reason, audio in _OUTCOMES:
        taken = requests.post(
            f"{gateway.url}/v1/conversions", data=VIDEO, headers=header, timeout=30
        )
        if reason:
            stage.finish(taken.json()["id"], reason, audio)
    before = gateway.log().count(f'"event": "{event}"')
    check_api(gateway.url, header["Authorization"], tmp_path, paths, hooks=_HOOKS)
    assert gateway.log().count(f'"event": "{event}"') > before, "nothing was done"


def test_each_route_describes_itself(gateway: Gateway):
    document = requests.get(f"{gateway.url}/openapi.json", timeout=30).json()
    assert document["openapi"] == "3.1.0"
    assert {"/login", "/upload", "/download", "/health", "/v1/conversions", "/docs"} <= set(
        document["paths"]
    )
    page = requests.get(f"{gateway.url}/docs", timeout=30)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert all(path in page.text for path in document["paths"])
