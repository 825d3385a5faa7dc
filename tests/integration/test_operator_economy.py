"""What a conversion costs the API server, and the operator."""

from collections.abc import Callable

from tests.faulty_api import FaultyApi
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import assert_ended_once, conversion, notified
from tests.waiting import wait_until

from soundstrip_crds.names import FINALIZER, OWNER_LABEL

_RECONCILES = 12
_WRITES = 6


def test_a_conversion_costs_few_reconciles_and_writes(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    amqp_url: str,
) -> None:
    failing.start(RABBITMQ_URI=amqp_url, RESYNC_SECONDS="3600")
    body = conversion(upload())
    body["metadata"] |= {"finalizers": [FINALIZER], "labels": {OWNER_LABEL: "u1"}}
    name = kube.create(body)["metadata"]["name"]

    kubelet.create(name)
    kubelet.start(name)
    kubelet.succeed(name)
    wait_until(lambda: name in notified(kube), "it is at its end")
    wait_until(lambda: not kube.list("jobs"), "its Job is collected")

    assert_ended_once(api, name)
    assert count_reconciles(failing, name) <= _RECONCILES
    writes = [one for one in api.requests if one.is_write and name in one.path + str(one.body)]
    assert len([one for one in writes if not one.path.endswith("/events")]) <= _WRITES, writes


def count_reconciles(operator: OperatorProcess, conversion: str) -> int:
    """Count them until the outcome was written."""
    told = [line for line in operator.lines() if line.get("conversion") == conversion]
    latched = next(n for n, line in enumerate(told) if line.get("outcomes") == ["True"])
    return sum(line["event"] == "reconciled" for line in told[:latched])
