"""The API server fails in every way that it has: nothing is lost, and nothing is done twice."""

from collections.abc import Callable

from tests.faulty_api import SILENCE, Fault, FaultyApi, Target
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import (
    LIST,
    WATCHES,
    Body,
    assert_ended_once,
    conversion,
    find_condition,
    notified,
    put_off,
    reasons,
    take_messages,
)
from tests.waiting import wait_until


def is_open(body: Body) -> bool:
    return find_condition(body, "Succeeded").get("status") == "Unknown"


def is_latched(body: Body) -> bool:
    return not is_open(body) and find_condition(body, "Notified").get("status") == "False"


def is_notified(body: Body) -> bool:
    return find_condition(body, "Notified").get("status") == "True"


LATCHED = Target("PUT", "/status", is_latched)
COLLECTED = Target("DELETE", "/jobs/")
STEPS = (
    Target("PATCH", "/videoconversions/"),
    Target("POST", "/jobs"),
    Target("PUT", "/status", is_open),
    LATCHED,
    COLLECTED,
    Target("PUT", "/status", is_notified),
)
"""All that a conversion's life writes, in this order."""


def fail_every_step(name: str, status: int, **how: int) -> list[Fault]:
    return [Fault(step, status, about=name, **how) for step in STEPS]


def test_requests_that_fail_or_whose_answers_are_lost_change_nothing(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    amqp_url: str,
) -> None:
    """One conversion for each way to fail, in which every step does; for silence, one a step."""
    bodies = [conversion(upload()) for _ in range(5 + 2 * len(STEPS))]
    names = [body["metadata"]["name"] for body in bodies]
    free = iter(names)
    api.faults += [Fault(LIST, 500), Fault(LIST, 410), Fault(LIST, 429, retry_after=1)]
    for status in (409, 410, 500):
        api.faults += fail_every_step(next(free), status)
    patient = next(free)
    api.faults += fail_every_step(patient, 429, retry_after=1)
    api.faults += fail_every_step(next(free), 500, is_lost=True)
    for step in STEPS:
        api.faults.append(Fault(step, SILENCE, about=next(free)))
        api.faults.append(Fault(step, SILENCE, about=(last := next(free)), is_lost=True))
        if step is LATCHED:  # Its Job has nothing more to say by then: no event puts this right.
            api.faults.append(Fault(COLLECTED, 409, about=last))

    kube.create_all(bodies)
    failing.start(
        MAX_ACTIVE_JOBS="20", RESYNC_SECONDS="3600", RABBITMQ_URI=amqp_url, CALL_SECONDS="2"
    )
    wait_until(lambda: set(reasons(kube).values()) == {"Pending"}, "all run")
    kubelet.succeed(*names)
    wait_until(lambda: notified(kube) == set(names), "all are at their ends")
    wait_until(lambda: not kube.list("jobs"), "no Job is left")

    assert not [fault for fault in api.faults if not fault.met]
    pauses = [line["seconds"] for line in put_off(failing, patient, "429")]
    assert len(pauses) == len(STEPS)
    assert min(pauses) >= 1, "the time that the API server names is kept to"
    assert set(reasons(kube).values()) == {"Succeeded"}
    assert_ended_once(api, *names)
    assert len({event["id"] for event in take_messages(amqp_url)}) == len(names)


def test_a_watch_that_falls_silent_breaks_off_or_is_gone_is_found_and_begun_again(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    amqp_url: str,
) -> None:
    """The operator's own lists fail here, all but the first: only the watches are left."""
    names: list[str] = []

    def live(**environment: str) -> None:
        api.faults.clear()
        failing.start(RESYNC_SECONDS="3600", RABBITMQ_URI=amqp_url, **environment)
        api.faults.append(Fault(LIST, 500, times=1_000_000))
        wait_until(lambda: api.open_watches == WATCHES, "all is watched")

    def begin() -> None:
        names.append(kube.create(conversion(upload()))["metadata"]["name"])
        kubelet.pods(names[-1])

    def tell(code: int, reason: str) -> None:
        wait_until(lambda: api.open_watches == WATCHES, "all is watched")
        api.tell_watches(code, reason)

    live(WATCH_INACTIVITY_SECONDS="2", MAX_ACTIVE_JOBS="20")
    api.silence_watches()
    begin()
    api.break_watches()
    begin()
    tell(410, "Expired")
    begin()
    tell(500, "InternalError")
    assert failing.wait() == 1, "no operator goes on blind"
    live(MAX_ACTIVE_JOBS="20")
    begin()
    kubelet.succeed(*names)
    wait_until(lambda: notified(kube) == set(names), "all are at their ends")

    assert_ended_once(api, *names)
    assert len({event["id"] for event in take_messages(amqp_url)}) == len(names)


def test_without_any_watch_that_speaks_the_lists_are_enough(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    amqp_url: str,
) -> None:
    api.are_new_watches_silent = True
    failing.start(RESYNC_SECONDS="1", RABBITMQ_URI=amqp_url)
    name = kube.create(conversion(upload()))["metadata"]["name"]
    kubelet.succeed(name)
    wait_until(lambda: name in notified(kube), "it is at its end")
    wait_until(lambda: not kube.list("jobs"), "no Job is left")

    assert_ended_once(api, name)
    assert len({event["id"] for event in take_messages(amqp_url)}) == 1
