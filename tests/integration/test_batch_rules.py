"""Every rule of the ConversionBatch's CRD on a real API server."""

from typing import Any

import pytest
from tests.api_server import Refused
from tests.kubernetes import Corner

Body = dict[str, Any]


def source(number: int = 0) -> Body:
    return {
        "fileId": f"{number:024x}",
        "filename": "clip.mp4",
        "size": 1,
        "contentType": "video/mp4",
        "sha256": "0" * 64,
    }


def batch(name: str = "holiday", **spec: Any) -> Body:
    wanted = {"owner": {"id": "u1", "name": "Ann"}, "items": [source()]} | spec
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "ConversionBatch",
        "metadata": {"name": name},
        "spec": {field: value for field, value in wanted.items() if value is not None},
    }


def selecting(**selector: Any) -> Body:
    return {"items": None, "selector": selector}


def test_defaults_are_filled_in(shared_kube: Corner):
    spec = shared_kube.try_create(batch())["spec"]
    assert spec["failurePolicy"] == "Continue"
    assert spec["notify"] == {"email": False}
    assert (spec["suspend"], spec["cancelled"], spec["priority"]) == (False, False, 0)
    assert spec["activeDeadlineSeconds"] == 3600
    assert "parallelism" not in spec


@pytest.mark.parametrize(
    "spec",
    [
        {"items": [source(number) for number in range(500)]},
        selecting(),
        selecting(matchLabels={"album": "holiday", "soundstrip.dev/x": ""}),
        selecting(matchExpressions=[{"key": "year", "operator": "In", "values": ["2026"]}]),
        selecting(matchExpressions=[{"key": "a.b/year", "operator": "Exists"}]),
        {"profiles": ["high", "voice"], "parallelism": 2, "failurePolicy": "FailFast"},
    ],
)
def test_items_or_a_selector_is_accepted(shared_kube: Corner, spec: Body):
    assert shared_kube.try_create(batch(**spec))["spec"]["owner"]["id"] == "u1"


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"selector": {}}, "one of the two"),
        ({"items": None}, "one of the two"),
        ({"items": []}, "items"),
        ({"items": [source(number) for number in range(501)]}, "500"),
        ({"items": [source(), source()]}, "Duplicate"),
        ({"items": [source() | {"fileId": "x"}]}, "fileId"),
        ({"items": [source() | {"filename": ""}]}, "filename"),
        ({"items": [source() | {"sha256": "0"}]}, "sha256"),
        (selecting(matchLabels={"album": "a b"}), "album"),
        (selecting(matchLabels={f"l{number}": "" for number in range(17)}), "16"),
        (selecting(matchExpressions=[{"key": "a", "operator": "In"}]), "need values"),
        (
            selecting(matchExpressions=[{"key": "a", "operator": "Exists", "values": ["b"]}]),
            "take none",
        ),
        (selecting(matchExpressions=[{"key": "a b", "operator": "Exists"}]), "key"),
        (selecting(matchExpressions=[{"key": "a", "operator": "Like"}]), "operator"),
        ({"owner": {"id": "-x", "name": "Ann"}}, "owner.id"),
        ({"owner": None}, "owner"),
        ({"profiles": ["a", "a"]}, "Duplicate"),
        ({"profiles": ["A"]}, "profiles"),
        ({"profiles": [f"p{number}" for number in range(9)]}, "8"),
        ({"parallelism": 0}, "parallelism"),
        ({"failurePolicy": "Stop"}, "failurePolicy"),
        ({"priority": 1001}, "priority"),
        ({"queueName": "-x"}, "queueName"),
        ({"notify": {"email": "yes"}}, "email"),
        ({"activeDeadlineSeconds": 0}, "activeDeadlineSeconds"),
    ],
)
def test_what_is_out_of_bounds_is_refused(shared_kube: Corner, spec: Body, word: str):
    with pytest.raises(Refused, match=word):
        shared_kube.try_create(batch(**spec))


@pytest.mark.parametrize(("name", "good"), [("a" * 63, True), ("a" * 64, False)])
def test_the_name_is_a_label_of_its_conversions(shared_kube: Corner, name: str, *, good: bool):
    if good:
        assert shared_kube.try_create(batch(name))["metadata"]["name"] == name
        return
    with pytest.raises(Refused, match="at most 63 characters"):
        shared_kube.try_create(batch(name))


def change(corner: Corner, start: Body, patch: Body) -> Body:
    name = corner.create(batch(**start))["metadata"]["name"]
    return corner.patch("conversionbatch", name, {"spec": patch})


BY_LABEL = selecting(matchLabels={"album": "holiday"})


@pytest.mark.parametrize(
    ("start", "patch", "message"),
    [
        pytest.param({}, {"owner": {"name": "Eve"}}, "owner cannot change", id="owner"),
        pytest.param({}, {"items": [source(1)]}, "items cannot change", id="items changed"),
        pytest.param({}, {"items": [source(), source(1)]}, "items cannot", id="items added"),
        pytest.param(
            {}, {"items": None, "selector": {}}, "items cannot change", id="items removed"
        ),
        pytest.param(
            BY_LABEL, {"selector": {"matchLabels": {"a": "b"}}}, "selector cannot", id="selector"
        ),
        pytest.param({}, {"profiles": ["high"]}, "profiles cannot change", id="profiles added"),
        pytest.param(
            {"profiles": ["high"]}, {"profiles": ["low"]}, "profiles cannot", id="profiles changed"
        ),
        pytest.param(
            {"profiles": ["high"]}, {"profiles": None}, "profiles cannot", id="profiles removed"
        ),
        pytest.param({}, {"failurePolicy": "FailFast"}, "failurePolicy cannot", id="policy"),
        pytest.param(
            {"failurePolicy": "FailFast"}, {"failurePolicy": None}, "cannot", id="policy removed"
        ),
        pytest.param({}, {"queueName": "q"}, "queueName cannot change", id="queue added"),
        pytest.param({"queueName": "q"}, {"queueName": "r"}, "queueName cannot", id="queue"),
        pytest.param({"queueName": "q"}, {"queueName": None}, "queueName", id="queue removed"),
        pytest.param({}, {"notify": {"email": True}}, "notify cannot change", id="email"),
        pytest.param({"notify": {"email": True}}, {"notify": None}, "notify", id="notify removed"),
        pytest.param({}, {"activeDeadlineSeconds": 9}, "Seconds cannot change", id="deadline"),
        pytest.param({"cancelled": True}, {"cancelled": False}, "taken back", id="cancel undone"),
        pytest.param({"cancelled": True}, {"cancelled": None}, "taken back", id="cancel removed"),
    ],
)
def test_what_was_asked_for_cannot_change(corner: Corner, start: Body, patch: Body, message: str):
    with pytest.raises(Refused, match=message):
        change(corner, start, patch)


def test_what_steers_it_can_change(corner: Corner):
    start = {"parallelism": 1, "priority": 1, "suspend": True}
    changed = change(corner, start, {"parallelism": 2, "priority": 2, "suspend": False})
    assert changed["spec"].items() >= {"parallelism": 2, "priority": 2, "suspend": False}.items()
    patch = {"parallelism": None, "priority": None, "suspend": None, "cancelled": True}
    spec = corner.patch("conversionbatch", "holiday", {"spec": patch})["spec"]
    assert (spec["priority"], spec["suspend"], spec["cancelled"]) == (0, False, True)
    assert "parallelism" not in spec


def status(**parts: Any) -> Body:
    condition = {
        "type": "Succeeded",
        "status": "Unknown",
        "reason": "Running",
        "message": "It goes on.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    return {"conditions": [condition | parts.pop("condition", {})]} | parts


@pytest.mark.parametrize(
    "wrong",
    [
        status(condition={"type": "Accepted"}),
        status(condition={"status": "Maybe"}),
        status(condition={"reason": "two words"}),
        status(total=-1),
        status(counts={"failed": -1}),
        status(failures=[{"name": "vc", "filename": "a"}]),
        status(failures=[{"name": "vc", "filename": "a", "reason": "X"}] * 2),
        status(failures=[{"name": f"vc-{n}", "filename": "a", "reason": "X"} for n in range(11)]),
    ],
)
def test_a_status_that_is_out_of_bounds_is_refused(corner: Corner, wrong: Body):
    body = corner.create(batch())
    with pytest.raises(Refused, match=r"Invalid|invalid|Required|Duplicate|Too many"):
        corner.replace_status(body | {"status": wrong})


def test_the_columns_tell_the_story(corner: Corner):
    counts = {"waiting": 1, "running": 2, "succeeded": 3, "failed": 4}
    corner.replace_status(corner.create(batch()) | {"status": status(total=10, counts=counts)})
    head, line = corner.kubectl("get", "cbatch", "--output=wide").splitlines()
    assert head.split() == [
        "NAME", "STATUS", "TOTAL", "DONE", "FAILED", "RUNNING", "AGE", "OWNER", "MESSAGE",
    ]  # fmt: skip
    assert line.split()[:6] == ["holiday", "Running", "10", "3", "4", "2"]
    assert "Ann" in line
    assert "It goes on." in line
