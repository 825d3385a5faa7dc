"""Every pod is restricted, and every account may do what it does and no more."""

import re

import pytest
from tests.e2e.installation import Installation

_EVERYBODYS = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}

EXPECTED = {
    "gateway": {
        "videoconversions.soundstrip.dev": {"get", "list", "watch", "create", "patch", "delete"},
        "conversionbatches.soundstrip.dev": {"get", "list", "create", "patch", "delete"},
        "conversionprofiles.soundstrip.dev": {"list"},
    },
    "operator": {
        "videoconversions.soundstrip.dev": {"get", "list", "watch", "create", "patch", "delete"},
        "conversionprofiles.soundstrip.dev": {"list", "watch"},
        "conversionbatches.soundstrip.dev": {"list", "watch", "patch"},
        "conversionbatches.soundstrip.dev/status": {"update"},
        "conversionbatches.soundstrip.dev/finalizers": {"update"},
        "videoconversions.soundstrip.dev/status": {"update"},
        "videoconversions.soundstrip.dev/finalizers": {"update"},
        "jobs.batch": {"get", "list", "watch", "create", "delete"},
        "pods": {"list", "watch"},
        "events": {"list", "create"},
        "leases.coordination.k8s.io": {"get", "list", "watch", "create", "patch"},
        "namespaces": {"get"},
    },
    "auth": {},
    "notifier": {},
    "worker": {},
}


def rights(installation: Installation, account: str) -> dict[str, set[str]]:
    """What `kubectl auth can-i --list` shows beyond what every account has."""
    user = f"--as=system:serviceaccount:{installation.namespace.name}:{account}"
    lines = installation.namespace.kubectl("auth", "can-i", "--list", user).splitlines()[1:]
    found: dict[str, set[str]] = {}
    for line in lines:
        verbs = set(re.findall(r"\[([^\]]*)\]", line)[-1].split())
        resource = line.split()[0]
        if not resource.startswith("[") and resource.split(".")[0] not in _EVERYBODYS:
            found.setdefault(resource, set()).update(verbs)
    return found


@pytest.mark.parametrize("part", EXPECTED)
def test_an_account_has_no_right_that_it_does_not_use(part: str, installation: Installation):
    assert rights(installation, f"soundstrip-{part}") == EXPECTED[part]


def test_every_pod_is_admitted_where_restricted_is_enforced(installation: Installation):
    namespace = installation.namespace
    found = namespace.get("namespace", namespace.name)
    assert found
    labels = found["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert namespace.list("pods")
