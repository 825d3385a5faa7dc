"""Who may talk to whom, by what the policies say; no network here enforces them."""

import pytest
from tests.chart.rendering import POLICIES, Body, pods, render

SERVERS = {
    "gateway": 8000,
    "auth": 5000,
    "operator": 8080,
    "notifier": 8080,
    "mail": 8025,
    "mongodb": 27017,
    "mysql": 3306,
    "rabbitmq": 5672,
}
WORKER = {"soundstrip.dev/conversion": "vc-6740c1f2a3b4c5d6e7f80912"}
STRANGER = {"app": "stranger"}
ALLOWED = {
    "stranger": {"gateway", "auth"},
    "worker": {"gateway", "auth", "operator", "mongodb"},
    "gateway": {"gateway", "auth", "mongodb"},
    "auth": {"gateway", "auth", "mysql", "mail"},
    "operator": {"gateway", "auth", "mongodb", "rabbitmq"},
    "notifier": {"gateway", "auth", "mongodb", "rabbitmq", "mail"},
    "mail": {"gateway", "auth"},
    "mongodb": {"gateway", "auth"},
    "mysql": {"gateway", "auth"},
    "rabbitmq": {"gateway", "auth"},
}


def test_there_are_none_unless_they_are_asked_for():
    assert "NetworkPolicy" not in {body["kind"] for body in render()}


@pytest.mark.parametrize("caller", ALLOWED)
def test_a_server_takes_connections_from_its_callers_only(caller: str):
    bodies = render(*POLICIES)
    labels = {"worker": WORKER, "stranger": STRANGER}.get(caller) or labels_of(bodies, caller)
    taken = {name for name, port in SERVERS.items() if takes(bodies, name, labels, port)}
    assert taken == ALLOWED[caller]


def test_a_worker_reaches_store_operator_and_names_and_is_reached_by_nobody():
    [policy] = [p for p in policies(render(*POLICIES)) if selects(p["podSelector"], WORKER)]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy
    ports = [sorted(p["port"] for p in rule["ports"]) for rule in policy["egress"]]
    assert ports == [[53, 53], [8080], [27017]]


def policies(bodies: list[Body]) -> list[Body]:
    return [body["spec"] for body in bodies if body["kind"] == "NetworkPolicy"]


def labels_of(bodies: list[Body], component: str) -> dict[str, str]:
    assert component in dict(pods(bodies))
    return {
        "app.kubernetes.io/name": "soundstrip",
        "app.kubernetes.io/instance": "soundstrip",
        "app.kubernetes.io/component": component,
    }


def takes(bodies: list[Body], server: str, caller: dict[str, str], port: int) -> bool:
    """Evaluate as Kubernetes does: a pod that any policy selects takes only what one allows."""
    own = labels_of(bodies, server)
    selecting = [p for p in policies(bodies) if selects(p["podSelector"], own)]
    rules = [rule for policy in selecting for rule in policy.get("ingress", [])]
    return not selecting or any(allows(rule, caller, port) for rule in rules)


def allows(rule: Body, caller: dict[str, str], port: int) -> bool:
    if port not in {p["port"] for p in rule["ports"]}:
        return False
    peers = rule.get("from")
    return peers is None or any(selects(peer["podSelector"], caller) for peer in peers)


def selects(selector: Body, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    exists = [e["key"] for e in selector.get("matchExpressions", [])]
    return wanted.items() <= labels.items() and set(exists) <= labels.keys()
