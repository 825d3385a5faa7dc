"""Profiles as the operator process takes them up from a real API server."""

import json
from collections.abc import Callable
from typing import Any

from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import Body, condition, conversion, reason
from tests.waiting import wait_until

Upload = Callable[..., str]


def profile(name: str, **spec: Any) -> Body:
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "ConversionProfile",
        "metadata": {"name": name},
        "spec": spec,
    }


def ask_for(kube: Namespace, file_id: str, **output: str) -> str:
    name: str = kube.create(conversion(file_id, output=output))["metadata"]["name"]
    return name


def wait_for_reason(kube: Namespace, name: str, wanted: str) -> None:
    wait_until(lambda: reason(kube, name) == wanted, f"{name} is {wanted}")


def output(kube: Namespace, name: str) -> Body | None:
    body = kube.get("videoconversion", name) or {}
    settled: Body | None = body.get("status", {}).get("output")
    if settled:
        assert settled.pop("coverArt") is True  # the CRD's default
    return settled


def test_a_profile_is_waited_for_and_what_it_says_is_settled_when_it_appears(
    kube: Namespace, operator: OperatorProcess, upload: Upload
) -> None:
    operator.start(MAX_ACTIVE_JOBS="1", RESYNC_SECONDS="3600")
    name = ask_for(kube, upload(), profile="mine")
    wait_for_reason(kube, name, "InvalidProfile")
    accepted = condition(kube, name, "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "InvalidProfile")
    assert "no profile mine; there are high, small, standard, voice" in accepted["message"]
    assert condition(kube, name, "Finished")["status"] == "False"
    assert not kube.list("jobs")

    kube.create(profile("mine", quality="V2"))
    wait_for_reason(kube, name, "Pending")
    settled = {"profile": "mine", "format": "mp3", "quality": "V2"}
    assert output(kube, name) == settled
    [job] = kube.list("jobs")
    for container in job["spec"]["template"]["spec"]["containers"]:
        assert json.loads(container["env"][0]["value"])["output"] == settled

    kube.patch(
        "conversionprofile", "mine", {"spec": {"quality": None, "bitrate": "128k", "default": True}}
    )

    def counts_for_others() -> bool:
        other = ask_for(kube, upload())
        wait_for_reason(kube, other, "Queued")
        return output(kube, other) == {"profile": "mine", "format": "mp3", "bitrate": "128k"}

    wait_until(counts_for_others, "who comes now gets what the profile says now")
    kube.kubectl("delete", "cprof", "mine")
    assert output(kube, name) == settled


def test_what_waits_for_a_profile_is_cancelled_or_deleted_at_once(
    kube: Namespace, operator: OperatorProcess, upload: Upload, database: Any
) -> None:
    operator.start()
    cancelled, deleted = (ask_for(kube, upload(), profile="mine") for _ in range(2))
    wait_for_reason(kube, cancelled, "InvalidProfile")
    wait_for_reason(kube, deleted, "InvalidProfile")

    kube.patch("videoconversion", cancelled, {"spec": {"cancelled": True}})
    kube.kubectl("delete", f"vc/{deleted}", "--timeout=120s")
    kube.kubectl("wait", "--for=condition=Finished", f"vc/{cancelled}", "--timeout=120s")

    assert reason(kube, cancelled) == "Cancelled"
    assert database["sources.files"].count_documents({}) == 1, "the deleted one's source is gone"
    assert not kube.list("jobs")
