"""The gateway's memory does not grow with the files that go through it."""

from collections.abc import Iterator

import pytest
import requests
from tests.gateways import MEBIBYTE, VIDEO, Gateway, Stage

_SIZE = 1024 * MEBIBYTE
_BOUNDARY = "boundary"
_LIMIT = 150 * MEBIBYTE
_HEAD = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
_TAIL = f"\r\n--{_BOUNDARY}--\r\n"


def _video() -> Iterator[bytes]:
    block = VIDEO.ljust(MEBIBYTE, b"\x5a")
    for _ in range(_SIZE // MEBIBYTE):
        yield block


def _form() -> Iterator[bytes]:
    yield _HEAD.encode()
    yield from _video()
    yield _TAIL.encode()


@pytest.mark.timeout(300)
def test_a_gigabyte_goes_in_and_out_under_a_limit_of_150_mebibytes(stage: Stage):
    with stage.run_gateway(MAX_CONTENT_LENGTH=str(2 * _SIZE)) as gateway:
        _send(stage, gateway, _video(), _SIZE, "application/octet-stream")
        length = _SIZE + len(_HEAD) + len(_TAIL)
        _send(stage, gateway, _form(), length, f"multipart/form-data; boundary={_BOUNDARY}")
        assert gateway.peak_memory() < _LIMIT


def _send(
    stage: Stage, gateway: Gateway, body: Iterator[bytes], length: int, content_type: str
) -> None:
    headers = {"Content-Length": str(length), "Content-Type": content_type}
    answer = requests.post(
        f"{gateway.url}/v1/conversions",
        headers=stage.header("ann") | headers,
        data=body,
        timeout=120,
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["source"]["size"] == _SIZE
