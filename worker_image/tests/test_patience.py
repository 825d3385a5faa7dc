import pytest

from soundstrip_crds.job import ExitCode
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_worker.failures import Disrupted
from soundstrip_worker.journal import Journal
from soundstrip_worker.patience import insist

JOURNAL = Journal("tests")


def failing(times: int):
    left = iter(range(times))

    def action() -> str:
        if next(left, None) is not None:
            raise StorageUnavailable("MongoDB did not answer (AutoReconnect)")
        return "done"

    return action


def test_a_store_that_comes_back_is_no_failure():
    assert insist(failing(4), JOURNAL, pause=lambda _: None) == "done"


def test_tries_are_bounded_and_the_waits_between_them_grow():
    waits: list[float] = []
    with pytest.raises(Disrupted) as caught:
        insist(failing(99), JOURNAL, pause=waits.append)
    assert caught.value.code is ExitCode.STORAGE_UNAVAILABLE
    assert caught.value.message == "MongoDB did not answer (AutoReconnect)."
    assert len(waits) == 4
    for number, wait in enumerate(waits):
        assert 0.25 * 2**number <= wait <= 0.75 * 2**number


def test_waits_are_random_so_that_pods_do_not_come_back_together():
    waits: list[float] = []
    insist(failing(1), JOURNAL, pause=waits.append)
    insist(failing(1), JOURNAL, pause=waits.append)
    assert waits[0] != waits[1]
