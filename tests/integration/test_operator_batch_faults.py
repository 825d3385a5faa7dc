"""The API server fails in every way at what batches and expiry write: all is done, and once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty_api import Fault, FaultyApi, Target, fail_in_every_way, lose_answers
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import (
    Body,
    assert_ended_once,
    batch,
    children,
    find_condition,
    names_by,
    put_off,
    reasons,
    take_messages,
)
from tests.waiting import wait_until

from soundstrip_crds.names import FINALIZER


def is_begun(body: Body) -> bool:
    return "total" not in body["status"]


def is_counted(body: Body) -> bool:
    return not is_begun(body) and not is_over(body)


def is_over(body: Body) -> bool:
    return find_condition(body, "Succeeded").get("status") == "True"


def is_change(body: Body) -> bool:
    return "spec" in body


def is_freed(body: Body) -> bool:
    return FINALIZER not in body.get("metadata", {}).get("finalizers", [FINALIZER])


BATCH_STEPS = (
    Target("PATCH", "/conversionbatches/"),
    Target("PUT", "/conversionbatches/", is_begun),
    Target("POST", "/videoconversions"),
    Target("PUT", "/conversionbatches/", is_counted),
    Target("PUT", "/conversionbatches/", is_over),
)
"""All that is written of a batch, in this order."""

LET_GO = Target("PATCH", "/videoconversions/", is_change)
"""Its second conversion waits for the first."""

EXPIRY_STEPS = (
    Target("GET", "/videoconversions/"),
    Target("PATCH", "/videoconversions/", is_freed),
    Target("DELETE", "/videoconversions/"),
)
"""All that is asked for a conversion's expiry: it is read whole for the archive."""

WAYS = [*fail_in_every_way(LET_GO), *lose_answers(LET_GO)]


def fail_every_step(way: Fault, name: str, first: str, second: str) -> list[Fault]:
    """Have all fail that is written of this batch and its two files' conversions."""
    steps = [(step, name) for step in BATCH_STEPS]
    steps += [(LET_GO, second), *((step, first) for step in EXPIRY_STEPS)]
    return [replace(way, target=target, about=about) for target, about in steps]


def test_batches_are_made_and_end_once_and_what_expires_is_archived_and_gone_once(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    database: Any,
    amqp_url: str,
) -> None:
    """One batch for each way to fail, in which every step does, and a conversion of it expires."""
    files = {f"batch-{number}": (upload(), upload()) for number in range(len(WAYS))}
    for way, (name, (first, second)) in zip(WAYS, files.items(), strict=True):
        api.faults += fail_every_step(way, name, first, second)
    kube.create_all([batch(name, list(items), parallelism=1) for name, items in files.items()])
    failing.start(
        MAX_ACTIVE_JOBS="20",
        RESYNC_SECONDS="3600",
        RABBITMQ_URI=amqp_url,
        CALL_SECONDS="2",
        BACKOFF_CAP_SECONDS="1",
    )
    wait_until(lambda: len(reasons(kube)) == 2 * len(files), "all are made")
    names = {name: names_by(children(kube, name), list(items)) for name, items in files.items()}
    expiring, staying = (set(of_one) for of_one in zip(*names.values(), strict=True))
    kubelet.succeed(*expiring)
    kubelet.succeed(*staying)
    wait_until(lambda: all(is_over(one) for one in batches(kube).values()), "all are over")

    uids = {body["metadata"]["uid"] for body in bodies(kube, expiring)}
    for name in expiring:
        kube.patch("videoconversion", name, {"spec": {"ttlSecondsAfterFinished": 0}})
    wait_until(lambda: set(reasons(kube)) == staying, "what is past its time is gone", seconds=200)

    assert not [fault for fault in api.faults if not fault.met]
    for name, own in names.items():
        assert_made_and_over_once(api, name, own)
        assert batches(kube)[name]["status"]["counts"]["succeeded"] == len(own)
    assert_ended_once(api, *expiring, *staying)
    assert len({event["id"] for event in take_messages(amqp_url)}) == 2 * len(files)
    for name in expiring:
        assert len(api.done("DELETE", "/videoconversions/", name)) == 1
    assert {entry["_id"] for entry in database["archive"].find({})} == uids
    for collection in ("sources.files", "results.files"):
        assert database[collection].count_documents({}) == 2 * len(files), collection
    [patient] = [name for name, way in zip(names, WAYS, strict=True) if way.retry_after]
    pauses = [one["seconds"] for one in put_off(failing, patient, "429")]
    assert len(pauses) == len(BATCH_STEPS) + 1
    assert min(pauses) >= 1, "the time that the API server names is kept to"


def batches(kube: Namespace) -> dict[str, Body]:
    return {body["metadata"]["name"]: body for body in kube.list("conversionbatches")}


def bodies(kube: Namespace, names: set[str]) -> list[Body]:
    found = kube.list("videoconversions")
    return [body for body in found if body["metadata"]["name"] in names]


def assert_made_and_over_once(api: FaultyApi, name: str, own: list[str]) -> None:
    made = [one.body["metadata"]["name"] for one in api.done("POST", "/videoconversions", name)]
    assert sorted(made) == sorted(own), "each is made once"
    written = [one.body for one in api.done("PUT", f"/conversionbatches/{name}/", name)]
    ends = [is_over(body) for body in written]
    assert ends == sorted(ends), "an end is an end"
    totals = [body["status"]["total"] for body in written if not is_begun(body)]
    assert set(totals) == {len(own)}
