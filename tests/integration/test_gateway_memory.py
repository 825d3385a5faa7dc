"""The gateway's memory does not grow with the files that go through it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest
import requests
from tests.gateways import MEBIBYTE, VIDEO, Gateway, Stage

_BOUNDARY = "boundary"
_FORM = f"multipart/form-data; boundary={_BOUNDARY}"
_LIMIT = 150 * MEBIBYTE
_ATTEMPTS = 3
"""A machine's disk may take longer for the others' bytes than the gateway waits for it."""


class Body:
    """A form with a video that is never in the test's memory; it has a Content-Length."""

    def __init__(self, mebibytes: int) -> None:
        disposition = 'Content-Disposition: form-data; name="file"; filename="a.mp4"'
        self._head = f"--{_BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
        self._tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
        self._mebibytes = mebibytes

    def __len__(self) -> int:
        return len(self._head) + self._mebibytes * MEBIBYTE + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        block = VIDEO.ljust(MEBIBYTE, b"\x5a")
        yield self._head
        yield from (block for _ in range(self._mebibytes))
        yield self._tail


class BareBody(Body):
    """The same video without a form around it."""

    def __init__(self, mebibytes: int) -> None:
        super().__init__(mebibytes)
        self._head = self._tail = b""


@pytest.fixture
def large_gateway(stage: Stage) -> Iterator[Gateway]:
    """A gateway that takes two gigabytes."""
    with stage.run_new_gateway(MAX_CONTENT_LENGTH=str(2048 * MEBIBYTE)) as gateway:
        yield gateway


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("body", "kind"), [(BareBody(1024), "application/octet-stream"), (Body(1024), _FORM)]
)
def test_a_gigabyte_goes_in_under_a_limit_of_150_mebibytes(
    stage: Stage, large_gateway: Gateway, body: Body, kind: str
):
    assert _send(stage, large_gateway, body, kind) == 1024 * MEBIBYTE
    assert large_gateway.peak_memory() < _LIMIT


@pytest.mark.timeout(900)
def test_two_hundred_uploads_at_once_all_arrive_in_400_mebibytes(
    stage: Stage, large_gateway: Gateway
):
    with ThreadPoolExecutor(200) as users:
        sent = [
            users.submit(_send, stage, large_gateway, BareBody(10), "video/mp4") for _ in range(200)
        ]
    assert [one.result() for one in sent] == [10 * MEBIBYTE] * 200
    assert large_gateway.peak_memory() < 400 * MEBIBYTE


def _send(stage: Stage, gateway: Gateway, body: Body, kind: str) -> int:
    """Upload the body, again when it is told to, and return the size of the video's file."""
    url, about = f"{gateway.url}/v1/conversions", stage.header("ann") | {"Content-Type": kind}
    for _ in range(_ATTEMPTS):
        answer = requests.post(url, headers=about, data=body, timeout=300)
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            break
    assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
    return int(answer.json()["source"]["size"])
