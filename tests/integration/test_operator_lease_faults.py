"""The Lease under an API server that fails: one renewal is not the Lease, and none has it twice."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faulty_api import (
    SILENCE,
    Fault,
    FaultyApi,
    Request,
    Target,
    fail_in_every_way,
    lose_answers,
)
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import (
    LIST,
    WATCHES,
    Body,
    assert_ended_once,
    conversion,
    notified,
    reason,
    reasons,
    take_messages,
)
from tests.waiting import wait_until

_SECONDS = 10
_FOR_EVER = 1_000_000
_HELD_NO_MORE = 3
"""Renewals that are not answered: the last of them begins after two thirds of the duration."""


def is_renewal(body: Body) -> bool:
    return "holderIdentity" not in body["spec"]


def is_taking(body: Body) -> bool:
    return bool(body["spec"].get("holderIdentity"))


def is_release(body: Body) -> bool:
    return not is_renewal(body) and not is_taking(body)


CREATE = Target("POST", "/leases")
RENEW = Target("PATCH", "/leases/", is_renewal)
TAKE = Target("PATCH", "/leases/", is_taking)
RELEASE = Target("PATCH", "/leases/", is_release)


@dataclass(frozen=True)
class Candidate:
    """An operator, and the API server as it alone has it."""

    operator: OperatorProcess
    api: FaultyApi

    def renewals(self) -> int:
        return sum(is_renewal(one.body) for one in self.api.done("PATCH", "/leases/", ""))

    def acts(self) -> list[Request]:
        """All that only the holder of the Lease may do."""
        return [one for one in self.api.requests if one.is_write and "/leases" not in one.path]


@pytest.fixture
def two(
    kube: Namespace, tmp_path: Path, stores: dict[str, str], amqp_url: str
) -> Iterator[tuple[Candidate, Candidate]]:
    with ExitStack() as stack:
        candidates = []
        for name in "ab":
            (folder := tmp_path / name).mkdir()
            api = stack.enter_context(FaultyApi(kube.kubeconfig(), folder).serving())
            operator = OperatorProcess(
                kube,
                folder,
                stores | {"RABBITMQ_URI": amqp_url, "LEASE_DURATION_SECONDS": str(_SECONDS)},
                module="tests.failing_operator",
                kubeconfig=api.kubeconfig,
            )
            stack.callback(lambda one=operator: print(one.log()))
            stack.callback(operator.kill)
            candidates.append(Candidate(operator, api))
        yield candidates[0], candidates[1]


def lease(kube: Namespace) -> Body:
    spec: Body = (kube.get("lease", "soundstrip-operator") or {})["spec"]
    return spec


def fail_renewals_one_by_one(about: Candidate) -> None:
    for fault in (*fail_in_every_way(RENEW), *lose_answers(RENEW)):
        about.api.faults.append(fault)
        wait_until(lambda: fault.met, "a renewal has failed")  # noqa: B023
        enough = about.renewals() + 1 + fault.is_lost
        wait_until(lambda: about.renewals() >= enough, "the next has not")  # noqa: B023


def test_one_renewal_that_fails_in_any_way_costs_no_lease_and_all_that_fail_give_it_to_one(
    kube: Namespace,
    two: tuple[Candidate, Candidate],
    kubelet: Kubelet,
    upload: Callable[..., str],
    amqp_url: str,
) -> None:
    first, second = two
    first.api.faults += [*fail_in_every_way(CREATE), Fault(CREATE, SILENCE, is_lost=True)]
    first.operator.start()
    holder = lease(kube)["holderIdentity"]
    second.operator.start()
    names = [kube.create(conversion(upload()))["metadata"]["name"] for _ in range(2)]
    kubelet.pods(*names)

    fail_renewals_one_by_one(first)
    kubelet.succeed(names[0])
    wait_until(lambda: notified(kube) == {names[0]}, "it goes on")
    held = lease(kube)
    assert (held["holderIdentity"], held["leaseTransitions"]) == (holder, 0)
    assert not second.acts()

    second.api.faults += [*fail_in_every_way(TAKE), Fault(TAKE, 500, is_lost=True)]
    second.api.faults.append(Fault(RELEASE, 409))
    first.api.faults.append(silence := Fault(RENEW, SILENCE, times=_FOR_EVER))
    wait_until(lambda: silence.met >= _HELD_NO_MORE, "it may not act any more")
    kubelet.succeed(names[1])
    assert first.operator.wait() == 1
    wait_until(lambda: notified(kube) == set(names), "the other goes on")
    assert lease(kube)["leaseTransitions"] == 1
    assert second.operator.terminate() == 0
    assert not lease(kube).get("holderIdentity")

    faults = [*first.api.faults, *second.api.faults]
    assert not [fault for fault in faults if not fault.met]
    assert max(one.received_at for one in first.acts()) < second.acts()[0].received_at
    first.api.requests += second.api.requests
    assert_ended_once(first.api, *names)
    assert len({event["id"] for event in take_messages(amqp_url)}) == len(names)


def test_an_operator_whose_watches_stand_half_open_ends_and_leaves_the_lease_to_the_next(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    amqp_url: str,
) -> None:
    """Its own lists fail, so that nothing but the watches could tell it anything."""
    settings = {"LEASE_DURATION_SECONDS": "3", "RESYNC_SECONDS": "3600", "RABBITMQ_URI": amqp_url}
    failing.start(**settings)
    name = kube.create(conversion(upload()))["metadata"]["name"]
    kubelet.pods(name)
    wait_until(lambda: reason(kube, name) == "Pending", "it runs")
    wait_until(lambda: api.open_watches == WATCHES, "all is watched")
    api.faults.append(Fault(LIST, 500, times=_FOR_EVER))
    api.are_new_watches_silent = True
    api.silence_watches()
    kubelet.succeed(name)

    assert failing.wait() == 1
    assert "did not come back by the watch" in failing.log()
    assert reasons(kube) == {name: "Pending"}, "it saw nothing of the pod's end"
    assert not lease(kube).get("holderIdentity")

    api.faults.clear()
    api.are_new_watches_silent = False
    failing.start(**settings, POD_UID="the-next")
    wait_until(lambda: notified(kube) == {name}, "it is at its end")
    assert lease(kube)["leaseTransitions"] > 0
    assert_ended_once(api, name)
    assert len(take_messages(amqp_url)) == 1
