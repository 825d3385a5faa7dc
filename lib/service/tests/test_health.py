import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping

import flask
import pytest
from tests.waiting import wait_until

from soundstrip_service.health import Check, Probe, find_missing, health_blueprint, serve_health


def fine() -> None:
    pass


def missing() -> None:
    raise ConnectionError("MongoDB does not answer at mongodb://root:geheim@mongo.")


def get(port: int, path: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def flask_answers(checks: Mapping[str, Check], path: str) -> tuple[int, dict[str, object]]:
    app = flask.Flask("sample")
    app.register_blueprint(health_blueprint(checks))
    answer = app.test_client().get(path)
    return answer.status_code, answer.get_json()


def test_readiness_names_what_is_missing_without_its_secrets():
    status, body = flask_answers({"mongodb": missing, "kubernetes": fine}, "/health")
    assert status == 503
    assert body == {
        "status": "unavailable",
        "missing": {"mongodb": "MongoDB does not answer at mongodb://***@mongo."},
    }


def test_readiness_is_ok_when_nothing_is_missing():
    assert flask_answers({"mongodb": fine}, "/health") == (200, {"status": "ok"})


def test_what_only_a_part_needs_is_told_and_the_service_is_ready_all_the_same():
    app = flask.Flask("sample")
    app.register_blueprint(health_blueprint({"kubernetes": fine}, {"events": missing}))
    answer = app.test_client().get("/health")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ok"
    assert answer.get_json()["limited"].keys() == {"events"}


def test_liveness_asks_no_store():
    assert flask_answers({"mongodb": missing}, "/livez") == (200, {"status": "ok"})


def test_a_check_that_hangs_is_missing_within_the_bound_and_runs_only_once():
    release, runs = threading.Event(), []

    def hang() -> None:
        runs.append(1)
        release.wait(60)

    probes = {"mysql": Probe("mysql", hang), "other": Probe("other", fine)}
    late = {"mysql": "It did not answer in time."}
    for _ in range(3):  # who waited for its end would find nothing missing
        wait_until(lambda: find_missing(probes, 0.1) == late, "the other has answered in time")
    assert len(runs) == 1
    release.set()
    assert find_missing(probes, 30) == {}


def test_checks_run_side_by_side():
    together = threading.Barrier(2, timeout=30)
    probes = {name: Probe(name, lambda: together.wait() and None) for name in ("a", "b")}
    assert find_missing(probes, 30) == {}


@pytest.mark.parametrize(("check", "status"), [(fine, 200), (missing, 503)])
def test_a_service_without_http_answers_from_a_thread(check: Check, status: int):
    with serve_health(0, {"mongodb": check}, host="127.0.0.1") as port:
        assert get(port, "/livez") == (200, {"status": "ok"})
        assert get(port, "/health")[0] == status
        assert get(port, "/other")[0] == 404
