import socket
import threading

from limits import parse

from soundstrip_gateway.limiter import build_limiter
from soundstrip_gateway.memory import Memory
from soundstrip_service.rates import Scope
from soundstrip_storage.connection import connect


def test_without_mongodb_requests_are_counted_all_the_same_and_no_thread_is_begun_before():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        uri = f"mongodb://127.0.0.1:{nobody.getsockname()[1]}"
        before = set(threading.enumerate())
        limiter = build_limiter(connect(uri, "none", application="tests"), patience_seconds=0.5)
        assert set(threading.enumerate()) <= before
        item = parse("3/hour")
        seen = [limiter.hit(Scope.USER, "ann", [item])[0] for _ in range(4)]
    assert [count.allowed for count in seen] == [True, True, True, False]
    assert [count.remaining for count in seen] == [2, 1, 0, 0]
    assert limiter.hit(Scope.USER, "bob", [item])[0].allowed
    assert limiter.hit(Scope.USER, "ann", []) == []


def test_what_is_remembered_is_believed_for_its_time_and_no_longer():
    now, asked = [0.0], []

    def load(key: str) -> int:
        asked.append(key)
        return len(asked)

    memory = Memory(5.0, load, clock=lambda: now[0])
    assert [memory.get("a"), memory.get("a"), memory.get("b")] == [1, 1, 2]
    now[0] = 5.0
    assert memory.get("a") == 3
    memory.forget("a")
    assert memory.get("a") == 4
    assert asked == ["a", "b", "a", "a"]
