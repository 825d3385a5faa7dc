import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from tests.processes import free_port
from tests.waiting import wait_until

SERVER = Path(__file__).with_name("sample_server.py")
TIMEOUT_SECONDS = 4
"""Of silence; the tests that are not silent must never be so for so long, on any machine."""
HURRY = "3,1000,0.2"
"""A header within 3 s, bodies at 1000 bytes a second, or behind that by 0.2 s."""


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    directory: Path, timeout: int = TIMEOUT_SECONDS, pace: str = "15,0,0"
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    command = [sys.executable, str(SERVER), str(port), str(timeout), str(directory), pace]
    environment = os.environ | {"TMPDIR": str(directory)}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        try:
            wait_until(lambda: answers(port), "the server answers")
            yield process, port
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """One that gives up who is silent, with its directory."""
    directory = tmp_path_factory.mktemp("server")
    with running(directory) as (_, port):
        yield directory, port


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One that gives nobody much time, but for silence."""
    directory = tmp_path_factory.mktemp("hurried")
    with running(directory, 60, pace=HURRY) as (_, port):
        yield port
        assert "Traceback" not in (directory / "log").read_text()


def connect(port: int, length: int, body: bytes = b"") -> socket.socket:
    """Begin a request, with what there is of its body at once: no pause counts against it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = f"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def read(connection: socket.socket) -> tuple[int, bytes]:
    answer = http.client.HTTPResponse(connection, method="POST")
    answer.begin()
    return answer.status, answer.read().strip()


def test_an_upload_slower_than_the_timeout_goes_through(server: tuple[Path, int]):
    with connect(server[1], 1000) as connection:
        started, sent = time.monotonic(), 0
        while time.monotonic() < started + 1.5 * TIMEOUT_SECONDS:
            answered, _, _ = select.select([connection], [], [], 0.1)
            assert not answered, connection.recv(1000)
            connection.sendall(b"x")
            sent += 1
        connection.sendall(b"x" * (1000 - sent))
        assert read(connection) == (200, b'{"bytes":1000}')


def test_a_client_that_stalls_is_given_up_and_its_thread_freed(server: tuple[Path, int]):
    _, port = server
    stalled = [connect(port, 1000) for _ in range(2)]
    for connection in stalled:
        connection.sendall(b"x")
    with connect(port, 1, b"x") as patient:
        assert read(patient) == (200, b'{"bytes":1}')
    assert [read(connection)[0] for connection in stalled] == [408] * 2


def trickle(connections: list[socket.socket], byte: bytes, seconds: float = 20) -> None:
    """Send a byte now and then on each until the server says or does something about it."""
    deadline = time.monotonic() + seconds
    silent = list(connections)
    while silent:
        assert time.monotonic() < deadline, "the server takes whatever comes, however slowly"
        answered, _, _ = select.select(silent, [], [], 0.1)
        silent = [connection for connection in silent if connection not in answered]
        for connection in silent:
            with suppress(ConnectionError):  # It has just been cut off.
                connection.sendall(byte)


def test_a_header_that_trickles_is_cut_off_and_its_thread_freed(hurried: int):
    with ExitStack() as stack:
        address = ("127.0.0.1", hurried)
        slow = [stack.enter_context(socket.create_connection(address, 20)) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"GET /wait HTTP/1.1\r\nX-Long: ")
        trickle(slow, b"x")
        with connect(hurried, 1, b"x") as patient:
            assert read(patient) == (200, b'{"bytes":1}')


def test_a_header_that_stops_in_the_middle_is_cut_off_long_before_the_silence_limit(hurried: int):
    with socket.create_connection(("127.0.0.1", hurried), 20) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nX-Long: ")
        assert connection.recv(100) == b""


def test_a_body_that_trickles_is_refused_and_its_thread_freed(hurried: int):
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(hurried, 1000)) for _ in range(2)]
        trickle(slow, b"x")
        assert [read(connection)[0] for connection in slow] == [408] * 2


def test_a_body_as_quick_as_it_has_to_be_goes_through(hurried: int):
    with connect(hurried, 11_000, b"x" * 10_000) as connection:
        for _ in range(10):
            answered, _, _ = select.select([connection], [], [], 0.06)
            assert not answered, connection.recv(1000)
            connection.sendall(b"x" * 100)
        assert read(connection) == (200, b'{"bytes":11000}')


def test_an_answer_that_is_taken_too_slowly_is_cut_off(tmp_path: Path):
    with (
        running(tmp_path, 60, pace="15,100000000,0.2") as (_, port),
        socket.create_connection(("127.0.0.1", port), 20) as slow,
    ):
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline, taken = time.monotonic() + 20, 0
        with suppress(ConnectionResetError):
            while data := slow.recv(65536):
                assert time.monotonic() < deadline, "the server waits for whoever takes anything"
                taken += len(data)
                select.select([], [], [], 0.01)
        assert 0 < taken < 1024 * 1024 * 1024


def test_an_upload_that_breaks_off_is_not_taken_for_a_whole_one(server: tuple[Path, int]):
    with connect(server[1], 1000, b"x" * 999) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read(connection)[0] == 400


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_request_under_way_is_answered_before_the_server_ends(
    tmp_path: Path, how: signal.Signals
):
    with running(tmp_path, 20) as (process, port), ThreadPoolExecutor(1) as background:
        url = f"http://127.0.0.1:{port}/wait"
        answer = background.submit(lambda: urllib.request.urlopen(url, timeout=20).read())
        wait_until((tmp_path / "begun").exists, "the request is there")
        os.killpg(process.pid, how)
        wait_until(lambda: not answers(port), "nobody is let in any more")
        (tmp_path / "go").touch()
        assert answer.result(timeout=20) == b"waited"
        assert process.wait(timeout=20) == 0


def test_a_large_body_leaves_no_temporary_file(server: tuple[Path, int]):
    directory, port = server
    before = set(directory.iterdir())
    with connect(port, 8_000_000) as connection:
        connection.sendall(b"x" * 7_999_999)
        assert set(directory.iterdir()) == before
        connection.sendall(b"x")
        assert read(connection) == (200, b'{"bytes":8000000}')
