"""What becomes of a batch: an operator process against real servers. No worker image can be had."""

from collections.abc import Callable
from typing import Any

from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import Body, batch, children, conversion, names_by
from tests.waiting import wait_until

from soundstrip_crds.job import ExitCode

Upload = Callable[..., str]


def change(kube: Namespace, name: str, **spec: Any) -> None:
    kube.patch("conversionbatch", name, {"spec": spec})


def status_of(kube: Namespace, name: str) -> Body:
    found: Body = (kube.get("conversionbatch", name) or {}).get("status", {})
    return found


def reason(kube: Namespace, name: str) -> str | None:
    conditions = {c["type"]: c for c in status_of(kube, name).get("conditions", [])}
    return conditions["Succeeded"]["reason"] if conditions else None


def counts(kube: Namespace, name: str) -> Body:
    """The counts that are not nought."""
    found = status_of(kube, name).get("counts", {})
    return {how: number for how, number in found.items() if number}


def loose(kube: Namespace, name: str) -> list[str]:
    """The files of those that are not held back and not finished."""
    return [
        one["spec"]["source"]["fileId"]
        for one in children(kube, name).values()
        if not one["spec"]["suspend"] and not is_finished(one)
    ]


def is_finished(body: Body) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    return any(c["type"] == "Finished" and c["status"] == "True" for c in conditions)


def wait_for_reason(kube: Namespace, name: str, wanted: str) -> None:
    wait_until(lambda: reason(kube, name) == wanted, f"{name} is {wanted}")


def test_one_after_the_other_is_let_go_until_all_have_come_to_an_end(
    kube: Namespace, operator: OperatorProcess, kubelet: Kubelet, upload: Upload
) -> None:
    operator.start(MAX_ACTIVE_JOBS="4")
    files = [upload() for _ in range(3)]
    kube.create(batch("holiday", files, parallelism=1))
    wait_until(lambda: status_of(kube, "holiday").get("total") == 3, "all are made")
    first, second, third = names_by(children(kube, "holiday"), files)
    for name, file in zip((first, second, third), files, strict=True):
        kubelet.start(name)
        assert loose(kube, "holiday") == [file]
        if name == second:
            kubelet.fail(name, mover=ExitCode.PEER_LOST, converter=ExitCode.NO_AUDIO_TRACK)
        else:
            kubelet.succeed(name)
    wait_for_reason(kube, "holiday", "ItemsFailed")
    status = status_of(kube, "holiday")
    assert (status["total"], counts(kube, "holiday")) == (3, {"succeeded": 2, "failed": 1})
    [failure] = status["failures"]
    assert (failure["name"], failure["reason"]) == (second, "NoAudioTrack")
    kube.kubectl("wait", "--for=condition=Finished", "cbatch/holiday", "--timeout=120s")
    about = "--field-selector=involvedObject.kind=ConversionBatch"

    def told() -> set[str]:
        return {one["reason"] for one in kube.list("events", about)}

    wait_until(lambda: {"Creating", "Running", "ItemsFailed"} <= told(), "all of it is told")

    kube.create(batch("again", [files[0], files[2]]))
    wait_until(lambda: len(children(kube, "again")) == 2, "all are made")
    kubelet.succeed(*children(kube, "again"))
    kube.kubectl("wait", "--for=condition=Succeeded", "cbatch/again", "--timeout=120s")
    assert counts(kube, "again") == {"succeeded": 2}


def test_the_first_failure_cancels_the_others_if_it_shall(
    kube: Namespace, operator: OperatorProcess, upload: Upload
) -> None:
    operator.start(START_TIMEOUT_SECONDS="1", MAX_TRIES="1")
    files = [upload() for _ in range(3)]
    kube.create(batch("holiday", files, parallelism=1, failurePolicy="FailFast"))
    wait_for_reason(kube, "holiday", "ItemsFailed")
    assert counts(kube, "holiday") == {"failed": 1, "cancelled": 2}
    assert status_of(kube, "holiday")["failures"][0]["filename"] == "clip.mp4"


def test_a_killed_operator_goes_on_and_a_person_suspends_deletes_and_cancels(
    kube: Namespace, operator: OperatorProcess, upload: Upload
) -> None:
    """The sources are those of labelled conversions, each by two profiles."""
    labels = {"album": "holiday"}
    for owner in ("u1", "u1", "u2"):
        body = conversion(upload(owner), owner={"id": owner, "name": "Ann"}, suspend=True)
        body["metadata"]["labels"] = labels
        kube.create(body)
    operator.start(MAX_ACTIVE_JOBS="1", RESYNC_SECONDS="3600")
    selector = {"matchLabels": labels}
    wanted = batch("holiday", None, selector=selector, profiles=["high", "small"], priority=3)
    kube.create(wanted)
    wait_until(lambda: children(kube, "holiday"), "the first is made")
    operator.kill()
    operator.start(MAX_ACTIVE_JOBS="1", RESYNC_SECONDS="3600")
    wait_until(lambda: counts(kube, "holiday").get("running") == 1, "one runs")
    made = children(kube, "holiday")
    found = sorted(
        (one["spec"]["source"]["fileId"], one["spec"]["output"]["profile"]) for one in made.values()
    )
    assert len(set(found)) == len(made) == 4
    assert {profile for _, profile in found} == {"high", "small"}
    assert all(one["metadata"]["ownerReferences"][0]["controller"] for one in made.values())
    assert {one["spec"]["priority"] for one in made.values()} == {3}

    change(kube, "holiday", suspend=True)
    wait_for_reason(kube, "holiday", "Suspended")
    wait_until(lambda: counts(kube, "holiday") == {"waiting": 4}, "none runs")
    assert loose(kube, "holiday") == []

    [first, *_] = made
    kube.kubectl("delete", "videoconversion", first, "--timeout=120s")
    wait_until(
        lambda: counts(kube, "holiday") == {"waiting": 3, "missing": 1},
        "it is missing",
    )
    change(kube, "holiday", suspend=False, parallelism=2)
    wait_until(lambda: len(loose(kube, "holiday")) == 2, "two are let go")
    assert first not in children(kube, "holiday")

    change(kube, "holiday", cancelled=True)
    wait_for_reason(kube, "holiday", "Cancelled")
    assert counts(kube, "holiday") == {"cancelled": 3, "missing": 1}
    kube.kubectl("delete", "conversionbatch", "holiday")
    wait_until(lambda: not children(kube, "holiday"), "they go with the batch")
