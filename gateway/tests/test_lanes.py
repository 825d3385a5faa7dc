import flask
import pytest

from soundstrip_gateway import lanes as module
from soundstrip_gateway.lanes import Lanes, LanesTaken


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> Lanes:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.01)
    return Lanes(1)


def test_a_place_is_free_again_whatever_happened_in_it(lanes: Lanes):
    with pytest.raises(ZeroDivisionError), lanes.lane():
        raise ZeroDivisionError
    with lanes.lane(), pytest.raises(LanesTaken), lanes.lane():
        pass
    with lanes.lane():
        pass


def test_an_answer_holds_its_place_until_it_is_closed(lanes: Lanes):
    answer = lanes.hold_until_sent(lambda: flask.Response(iter([b"a"])))
    with pytest.raises(LanesTaken), lanes.lane():
        pass
    answer.close()
    with lanes.lane():
        pass


def test_an_answer_that_could_not_be_made_holds_none(lanes: Lanes):
    def fail() -> flask.Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lanes.hold_until_sent(fail)
    with lanes.lane():
        pass
