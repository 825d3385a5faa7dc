"""The operator is killed between any two steps that matter: nothing is lost or done twice."""

import signal
from collections.abc import Callable
from typing import Any

from tests.faulty_api import FaultyApi
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import FILES, assert_ended_once, conversion, reason, take_messages

from soundstrip_crds.job import ExitCode


def test_a_conversion_whose_operator_is_killed_at_every_step_ends_once(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    database: Any,
    amqp_url: str,
) -> None:
    name = kube.create(conversion(upload()))["metadata"]["name"]

    def live_until(killed_at: str) -> None:
        failing.launch(KILL_AT=killed_at, RABBITMQ_URI=amqp_url)
        assert failing.wait() == -signal.SIGKILL, killed_at

    live_until("after patch_conversion")  # Adopted.
    live_until("after claim_source")
    live_until("after replace_status")  # Accepted.
    live_until("after create_job")
    live_until("after replace_status")  # The try is recorded.
    kubelet.fail(name, mover=ExitCode.STORAGE_UNAVAILABLE, converter=ExitCode.PEER_LOST)
    live_until("after find_result")
    live_until("after replace_status")  # Its end is recorded.
    live_until("after create_job")
    live_until("after replace_status")
    kubelet.succeed(name)
    live_until("before replace_status")
    live_until("after replace_status")  # The outcome is latched.
    live_until("after delete_job")
    live_until("after publish")
    live_until("after replace_status")  # The confirmation is recorded.

    assert reason(kube, name) == "Succeeded"
    assert_ended_once(api, name, tries=2)
    assert len({event["id"] for event in take_messages(amqp_url)}) == 1
    assert database["results.files"].count_documents({}) == 1

    kube.kubectl("delete", f"vc/{name}", "--wait=false")
    live_until("after remove_blobs")
    live_until("after patch_conversion")  # The finalizer is off.

    assert not kube.list("videoconversions")
    assert not kube.list("jobs")
    for collection in FILES:
        assert database[collection].count_documents({}) == 0, collection
