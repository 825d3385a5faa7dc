"""Uploads that must not succeed: the answer arrives, and nothing of them is left."""

import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests
from tests.containers import Server
from tests.gateways import MEBIBYTE, VIDEO, Gateway, Stage
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def small_gateway(shared_stage: Stage) -> Iterator[Gateway]:
    """A gateway that takes no more than ten megabytes."""
    with shared_stage.run_gateway(MAX_CONTENT_LENGTH=str(10 * MEBIBYTE)) as gateway:
        yield gateway


@pytest.fixture
def large_video(tmp_path: Path) -> Path:
    file = tmp_path / "large.mp4"
    file.write_bytes(VIDEO + bytes(20 * MEBIBYTE))
    return file


@pytest.fixture
def large_text(tmp_path: Path) -> Path:
    file = tmp_path / "text.mp4"
    file.write_bytes(b"This is a text by another name.\n" * (20 * MEBIBYTE // 32))
    return file


def _curl(stage: Stage, url: str, *arguments: str) -> tuple[int, str]:
    """Upload by curl and return the status and the body that it saw."""
    header = f"Authorization: {stage.header('ann')['Authorization']}"
    command = ["curl", "--silent", "--show-error", "--header", header, "--max-time", "100"]
    command += ["--write-out", "\n%{http_code}", *arguments, url]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def _ways(file: Path) -> list[tuple[str, list[str]]]:
    """Return the ways to upload a file: form or bare, asking first or not."""
    expectations = ("Expect: 100-continue", "Expect:")
    forms = [
        ("/upload", "--form", f"file=@{file}"),
        ("/v1/conversions", "--data-binary", f"@{file}"),
    ]
    return [
        (path, ["--header", expectation, option, value])
        for expectation in expectations
        for path, option, value in forms
    ]


def test_curl_sees_that_a_file_is_too_large(
    small_gateway: Gateway, stage: Stage, large_video: Path
):
    for path, arguments in _ways(large_video):
        status, body = _curl(stage, small_gateway.url + path, *arguments)
        assert (status, "too-large" in body) == (413, True)
        assert stage.leftovers() == {}


def test_curl_sees_that_a_file_is_too_large_when_nobody_told_its_length(
    small_gateway: Gateway, stage: Stage, large_video: Path
):
    chunked = ("--header", "Transfer-Encoding: chunked")
    for path, arguments in _ways(large_video):
        status, body = _curl(stage, small_gateway.url + path, *chunked, *arguments)
        assert (status, "too-large" in body) == (413, True)
        assert stage.leftovers() == {}


def test_curl_sees_that_a_text_is_no_video(gateway: Gateway, stage: Stage, large_text: Path):
    for path, arguments in _ways(large_text):
        status, body = _curl(stage, gateway.url + path, *arguments)
        assert (status, "unsupported-media" in body) == (415, True)
        assert stage.leftovers() == {}


def test_a_client_that_reads_no_answer_before_it_has_sent_all_sees_it_too(
    small_gateway: Gateway, stage: Stage, large_text: Path
):
    for headers in ({}, stage.header("ann")):
        answer = requests.post(
            f"{small_gateway.url}/v1/conversions",
            data=large_text.read_bytes(),
            headers=headers,
            timeout=30,
        )
        assert answer.status_code == (413 if headers else 401)


def test_a_form_without_one_full_file_is_refused(gateway: Gateway, stage: Stage):
    wrong: list[tuple[list[tuple[str, tuple[str | None, bytes]]], int]] = [
        ([("file", ("empty.mp4", b""))], 422),
        ([("file", ("short.mp4", VIDEO[:63]))], 422),
        ([("file", ("page.mp4", VIDEO, "text/html"))], 415),
        ([("bitrate", (None, b"192k"))], 422),
        ([("video", ("clip.mp4", VIDEO))], 400),
        ([("file", ("a.mp4", VIDEO)), ("file", ("b.mp4", VIDEO))], 400),
    ]
    for files, status in wrong:
        url = f"{gateway.url}/upload"
        answer = requests.post(url, headers=stage.header("ann"), files=files, timeout=30)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert stage.leftovers() == {}


def test_a_wish_that_comes_after_the_file_and_can_not_be_met_leaves_nothing(
    gateway: Gateway, stage: Stage
):
    files = [("file", ("a.mp4", VIDEO)), ("bitrate", (None, "999k"))]
    url = f"{gateway.url}/v1/conversions"
    answer = requests.post(url, headers=stage.header("ann"), files=files, timeout=30)
    assert answer.status_code == 422
    assert stage.leftovers() == {}


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(gateway: Gateway, stage: Stage):
    body = VIDEO + bytes(6 * MEBIBYTE)
    chunk = f"{len(body):x}\r\n".encode() + body
    for framing, sent in [
        ("Content-Length: 50000000", body),
        ("Transfer-Encoding: chunked", chunk),
    ]:
        with _begin_upload(gateway, stage, framing) as client:
            client.sendall(sent)
            wait_until(lambda: "sources.chunks" in stage.leftovers(), "chunks arrive")
            assert stage.leftovers()["intents"] == 1
        wait_until(lambda: stage.leftovers() == {}, "the chunks are gone again")


def test_stalled_uploads_leave_threads_for_everything_else(stage: Stage):
    with stage.run_gateway(THREADS="4") as gateway, ExitStack() as clients:
        for _ in range(2):
            client = clients.enter_context(_begin_upload(gateway, stage, "Content-Length: 9000000"))
            client.sendall(VIDEO + bytes(5 * MEBIBYTE))
        wait_until(lambda: stage.leftovers().get("intents") == 2, "two are under way")
        url = f"{gateway.url}/v1/conversions"
        third = requests.post(url, headers=stage.header("ann"), data=VIDEO, timeout=30)
        assert (third.status_code, "Retry-After" in third.headers) == (503, True)
        assert requests.get(f"{gateway.url}/livez", timeout=30).status_code == 200
        clients.close()
        wait_until(lambda: stage.leftovers() == {}, "both are gone")
        assert requests.post(url, headers=stage.header("ann"), data=VIDEO, timeout=30).ok


def test_a_video_that_is_declared_as_something_else_is_refused(gateway: Gateway, stage: Stage):
    url = f"{gateway.url}/v1/conversions"
    for declared, status in [("application/xml", 415), ("image/png", 415), ("video/webm", 202)]:
        headers = stage.header("ann") | {"Content-Type": declared}
        assert requests.post(url, headers=headers, data=VIDEO, timeout=30).status_code == status
    assert stage.leftovers()["sources.files"] == 1


def test_a_store_that_stands_still_is_said_in_bounded_time_and_comes_back(
    gateway: Gateway, stage: Stage, mongo_server: Server
):
    url = f"{gateway.url}/v1/conversions"
    assert requests.post(url, headers=stage.header("ann"), data=VIDEO, timeout=30).ok
    with _begin_upload(gateway, stage, "Content-Length: 90000000") as client:
        client.sendall(VIDEO + bytes(5 * MEBIBYTE))
        wait_until(lambda: "intents" in stage.leftovers(), "the upload is under way")
        mongo_server.pause()
        try:
            begun = time.monotonic()
            with ThreadPoolExecutor(2) as users:
                users.submit(_send_on, client)
                client.settimeout(60)
                answer = client.recv(4096)
                second = users.submit(
                    requests.post, url, headers=stage.header("ann"), data=VIDEO, timeout=60
                ).result()
            assert b" 503 " in answer
            assert b"Retry-After" in answer
            assert (second.status_code, "Retry-After" in second.headers) == (503, True)
            assert time.monotonic() - begun < 90
        finally:
            mongo_server.unpause()
    wait_until(
        lambda: requests.post(url, headers=stage.header("ann"), data=VIDEO, timeout=60).ok,
        "uploads are taken again",
    )


def _send_on(client: socket.socket) -> None:
    """Send until the other side has had enough."""
    with suppress(OSError):
        for _ in range(80):
            client.sendall(bytes(MEBIBYTE))


def _begin_upload(gateway: Gateway, stage: Stage, framing: str) -> socket.socket:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    client = socket.create_connection((host, int(port)), timeout=30)
    authorization = stage.header("ann")["Authorization"]
    head = ["POST /v1/conversions HTTP/1.1", "Host: x", f"Authorization: {authorization}", framing]
    client.sendall("\r\n".join([*head, "", ""]).encode())
    return client


def test_an_api_server_that_refuses_or_is_away_leaves_nothing(stage: Stage, tmp_path: Path):
    with stage.run_gateway(NAMESPACE="no-such-namespace") as gateway:
        _expect_outage(stage, gateway)
    (config := tmp_path / "kubeconfig").write_text(stage.kubeconfig_to_nowhere())
    with stage.run_gateway(KUBECONFIG=str(config)) as gateway:
        _expect_outage(stage, gateway)


def test_a_store_that_is_away_is_said_in_bounded_time(stage: Stage):
    with stage.run_gateway(MONGO_URI="mongodb://127.0.0.1:1") as gateway:
        _expect_outage(stage, gateway)
    assert stage.kube.list("videoconversions") == []


def _expect_outage(stage: Stage, gateway: Gateway) -> None:
    begun = time.monotonic()
    url = f"{gateway.url}/v1/conversions"
    answer = requests.post(url, headers=stage.header("ann"), data=VIDEO, timeout=60)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert time.monotonic() - begun < 40
    assert stage.leftovers() == {}
