import threading

import pytest

from soundstrip_notifier.turns import Turns

DEADLINE = 60


def start(
    turns: Turns, key: str, inside: threading.Event, leave: threading.Event
) -> threading.Thread:
    def hold() -> None:
        with turns.take(key):
            inside.set()
            leave.wait(DEADLINE)

    thread = threading.Thread(target=hold)
    thread.start()
    return thread


def test_another_with_the_same_key_waits_and_one_with_another_key_does_not():
    turns = Turns()
    first, second, other = threading.Event(), threading.Event(), threading.Event()
    leave = threading.Event()
    threads = [start(turns, "a", first, leave)]
    assert first.wait(DEADLINE)
    threads += [start(turns, "a", second, leave), start(turns, "b", other, leave)]
    assert other.wait(DEADLINE)
    assert not second.is_set()
    leave.set()
    assert second.wait(DEADLINE)
    for thread in threads:
        thread.join(DEADLINE)


def test_a_failure_gives_the_turn_back():
    turns = Turns()
    with pytest.raises(KeyError), turns.take("a"):
        raise KeyError
    with turns.take("a"):
        pass
