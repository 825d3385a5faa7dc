"""Live events of a replica: the gateway hands its clients over to the process beside it."""

import secrets
import time
from collections.abc import Iterator

import pytest
import requests
from tests.gateways import Stage
from tests.live import Reader, Replica, advance, conversion, run_live, run_replica
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def replica(shared_stage: Stage) -> Iterator[Replica]:
    """One for all these tests: each has users and conversions of its own."""
    with run_replica(shared_stage) as replica:
        yield replica


@pytest.fixture
def user() -> str:
    return f"user-{secrets.token_hex(4)}"


@pytest.fixture
def numbers() -> list[int]:
    first = secrets.randbits(64)
    return list(range(first, first + 4))


def name_of(number: int) -> str:
    return f"vc-{number:024x}"


def path_of(number: int) -> str:
    return f"/v1/conversions/{name_of(number)}"


def read(replica: Replica, stage: Stage, path: str, user: str, mark: str = "") -> Reader:
    return Reader(replica.url + path, stage.header(user), mark)


def health(replica: Replica) -> tuple[int, list[str]]:
    answer = requests.get(f"{replica.url}/health", timeout=30)
    return answer.status_code, list(answer.json().get("limited", ()))


def test_a_conversion_is_told_from_its_creation_to_its_end(
    replica: Replica, stage: Stage, user: str, numbers: list[int]
):
    path = path_of(numbers[0])
    body = stage.kube.create(conversion(numbers[0], user))
    reader = read(replica, stage, f"{path}/events", user)
    assert reader.answer.headers["Content-Type"].startswith("text/event-stream")
    assert reader.answer.headers["Cache-Control"] == "no-store"
    assert reader.answer.headers["X-Accel-Buffering"] == "no"
    assert reader.answer.headers["X-Request-Id"]
    first = reader.until("conversion")
    shown = requests.get(replica.url + path, headers=stage.header(user), timeout=30)
    assert first == shown.json()
    advance(stage, [body], 40)
    assert reader.until("conversion", state="running")["progress"] == {"percent": 40}
    advance(stage, [body], 100)
    assert [(kind, data["state"]) for kind, data in reader.rest()] == [("conversion", "failed")]
    again = read(replica, stage, f"{path}/events", user, reader.mark)
    assert again.answer.status_code == 204
    late = read(replica, stage, f"{path}/events", user)
    assert [data["state"] for _, data in late.rest()] == ["failed"]


def test_all_of_a_users_conversions_come_in_one_stream_and_nobody_elses(
    replica: Replica, stage: Stage, user: str, numbers: list[int]
):
    hers, his, third, _ = numbers
    reader = read(replica, stage, "/v1/events", user)
    assert reader.next() == ("ready", {})
    stage.kube.create(conversion(hers, user))
    stage.kube.create(conversion(his, "bob"))
    assert reader.next()[1]["id"] == name_of(hers)
    stage.kube.create(conversion(third, user))
    assert reader.next()[1]["id"] == name_of(third)
    answer = requests.delete(replica.url + path_of(hers), headers=stage.header(user), timeout=30)
    assert answer.status_code == 204
    assert reader.next() == ("deleted", {"id": name_of(hers)})


def test_who_comes_back_is_told_what_has_changed_since_and_what_is_gone(
    replica: Replica, stage: Stage, user: str, numbers: list[int]
):
    bodies = [stage.kube.create(conversion(number, user)) for number in numbers[:3]]
    reader, other = (read(replica, stage, "/v1/events", user) for _ in range(2))
    for number in numbers[:3]:
        reader.until("conversion", id=name_of(number))
    reader.close()
    advance(stage, bodies[:1], 100)
    stage.kube.delete("videoconversion", name_of(numbers[1]))
    stage.kube.create(conversion(numbers[3], user))
    other.until("conversion", id=name_of(numbers[3]))  # the replica has seen all of it
    again = read(replica, stage, "/v1/events", user, reader.mark)
    told = [again.next() for _ in range(4)]
    assert [(kind, data.get("id", "")) for kind, data in told] == [
        ("conversion", name_of(numbers[0])),
        ("deleted", name_of(numbers[1])),
        ("conversion", name_of(numbers[3])),
        ("ready", ""),
    ]


def test_for_anybody_else_there_is_nothing_to_watch(
    replica: Replica, stage: Stage, user: str, numbers: list[int]
):
    there, not_there, *_ = numbers
    stage.kube.create(conversion(there, user))
    read(replica, stage, f"{path_of(there)}/events", user).until("conversion")
    for path in (path_of(there), path_of(not_there), "/v1/conversions/x"):
        for mark in ("", "1", "?"):
            reader = read(replica, stage, f"{path}/events", "bob", mark)
            assert reader.answer.status_code == 404
    assert requests.get(f"{replica.url}/v1/events", timeout=30).status_code == 401


def test_a_stream_ends_with_its_token(replica: Replica, stage: Stage, user: str):
    token = stage.auth.token(user, exp=int(time.time()) + 1)
    reader = Reader(f"{replica.url}/v1/events", {"Authorization": f"Bearer {token}"})
    assert reader.rest()[-1][0] == "expired"


def test_a_connection_that_has_served_other_requests_is_handed_over_too(
    replica: Replica, stage: Stage, user: str
):
    with requests.Session() as session:
        session.headers.update(stage.header(user))
        for _ in range(3):
            assert session.get(f"{replica.url}/v1/conversions", timeout=30).ok
        answer = session.get(f"{replica.url}/v1/events", stream=True, timeout=30)
        assert next(answer.iter_lines()) == b"retry: 2000"
        head = session.head(f"{replica.url}/v1/events", timeout=30)
        assert (head.status_code, head.content) == (200, b"")


def test_streams_are_limited_and_without_the_live_process_all_else_goes_on(stage: Stage):
    limits = {"MAX_STREAMS": "3", "MAX_STREAMS_PER_USER": "2"}
    with run_replica(stage, **limits) as replica:
        anns = [read(replica, stage, "/v1/events", "ann") for _ in range(2)]
        third = read(replica, stage, "/v1/events", "ann")
        assert third.answer.status_code == 429
        assert third.answer.headers["Retry-After"]
        bob = read(replica, stage, "/v1/events", "bob")
        bob.until("ready")
        full = read(replica, stage, "/v1/events", "eve")
        assert full.answer.status_code == 503
        assert full.answer.headers["Retry-After"]
        anns[0].close()
        wait_until(lambda: replica.live.streams() == 2, "the place is free again")
        reader = read(replica, stage, "/v1/events", "ann")
        reader.until("ready")
        wait_until(lambda: health(replica) == (200, []), "nothing is missing")
        assert replica.live.terminate() == 0
        assert reader.rest() == []  # a hint when to come back, and an end in good order
        refused = read(replica, stage, "/v1/events", "ann", reader.mark)
        assert refused.answer.status_code == 503
        assert refused.answer.headers["Retry-After"]
        wait_until(lambda: health(replica) == (200, ["events"]), "only events are missing")
        with run_live(stage, replica.socket):
            again = read(replica, stage, "/v1/events", "ann", reader.mark)
            assert again.until("ready") == {}
            wait_until(lambda: health(replica) == (200, []), "nothing is missing again")
