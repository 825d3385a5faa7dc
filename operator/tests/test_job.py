"""Claims about the Job of a try."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.conversions import conversion

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.job import JobPlan, progress_token
from soundstrip_crds.names import job_name
from soundstrip_operator.job import Attempt, Worker, build_job
from soundstrip_operator.quantity import parse_bytes, parse_cores
from soundstrip_operator.resources import Resources, Share, allot

MI = 1024**2
RESOURCES = Resources(64 * MI, 150 * MI, "50m", "1")
WORKER = Worker(
    install="here",
    image="worker:1",
    pull_policy="IfNotPresent",
    mover=RESOURCES,
    converter=RESOURCES,
    memory_ceiling=400 * MI,
    disk_headroom=10,
    max_result_bytes=500,
    mongo_db="db",
    mover_secret="mover-secret",
    service_account="worker",
    pull_secret="pull",
    progress_url="http://operator:8080/",
    progress_key=b"k" * 32,
    cores=3,
)


@pytest.fixture
def body() -> dict[str, Any]:
    return build_job(conversion(), Attempt(1, 2), WORKER)


@pytest.fixture
def pod(body: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = body["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def containers(pod: dict[str, Any]) -> dict[str, Any]:
    return {container["name"]: container for container in pod["containers"]}


def test_a_job_is_one_try_of_one_object(body: dict[str, Any]):
    about = conversion()
    assert body["metadata"]["name"] == job_name(about.metadata.name, "uid-1", 1, 2)
    owner = body["metadata"]["ownerReferences"][0]
    assert (owner["uid"], owner["controller"]) == ("uid-1", True)
    assert body["spec"]["backoffLimit"] == 0
    assert body["spec"]["activeDeadlineSeconds"] == 3600
    assert "ttlSecondsAfterFinished" not in body["spec"]
    assert "finalizers" not in body["metadata"]


def test_worker_pods_go_where_the_administrator_wants_them():
    pool = {"key": "pool", "operator": "Equal", "value": "audio", "effect": "NoSchedule"}
    worker = replace(WORKER, node_selector={"pool": "audio"}, tolerations=(pool,))
    pod = build_job(conversion(), Attempt(1, 1), worker)["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "audio"}
    assert pool in pod["tolerations"]
    assert len(pod["tolerations"]) == 3, "a lost node is still noticed"


def test_a_job_for_kueue_is_made_suspended_with_the_queues_name():
    about = conversion(spec={"queueName": "videos"})
    body = build_job(about, Attempt(1, 1), WORKER)
    assert body["spec"]["suspend"] is True
    assert body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "videos"
    assert body["metadata"]["annotations"] == {"kueue.x-k8s.io/queue-name": "videos"}
    assert not build_job(conversion(), Attempt(1, 1), WORKER)["spec"]["suspend"]


def test_an_end_that_says_nothing_of_the_conversion_fails_no_job_that_kueue_took_back(
    body: dict[str, Any],
):
    """Told to stop, not told to start, killed, and the other's end: 21, 128 and more, 23."""
    rules = body["spec"]["podFailurePolicy"]["rules"]
    for rule, container in zip(rules, ("converter", "mover"), strict=True):
        codes = {"containerName": container, "operator": "In"}
        assert rule["onExitCodes"] == codes | {"values": [10, 11, 12, 13, 14, 20, 22]}


def test_credentials_and_tokens_are_the_movers_alone(containers: dict[str, Any]):
    names = {name: [v["name"] for v in c["env"]] for name, c in containers.items()}
    assert names["converter"] == ["SOUNDSTRIP_PLAN"]
    assert "MONGO_URI" in names["mover"]
    assert "PROGRESS_TOKEN" in names["mover"]
    env = {v["name"]: v for v in containers["mover"]["env"]}
    reference = env["MONGO_URI"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "mover-secret", "key": "mongo-uri"}
    assert env["PROGRESS_TOKEN"]["value"] == progress_token(b"k" * 32, "uid-1", 1, 2)
    assert env["PROGRESS_URL"]["value"] == "http://operator:8080/v1/progress/uid-1/1/2"


def test_both_get_the_plan_and_it_holds_no_secret(containers: dict[str, Any]):
    texts = {c["env"][0]["value"] for c in containers.values()}
    assert len(texts) == 1
    text = texts.pop()
    plan = msgspec.json.decode(text, type=JobPlan)
    assert (plan.uid, plan.run, plan.try_number, plan.max_result_bytes) == ("uid-1", 1, 2, 500)
    assert plan.cores == 3
    assert "k" * 32 not in text


def plan(body: dict[str, Any]) -> JobPlan:
    container = body["spec"]["template"]["spec"]["containers"][0]
    return msgspec.json.decode(container["env"][0]["value"], type=JobPlan)


def test_a_job_makes_what_was_settled_at_acceptance():
    wish, settled = {"bitrate": "128k"}, {"format": "mp3", "quality": "V7"}
    about = conversion(spec={"output": wish}, status={"output": settled})
    assert plan(build_job(about, Attempt(1, 1), WORKER)).output == about.status.output


def test_what_an_older_operator_accepted_makes_what_its_spec_says():
    about = conversion(spec={"output": {"format": "mp3"}})
    output = plan(build_job(about, Attempt(1, 1), WORKER)).output
    assert output == ResolvedOutput(format="mp3", bitrate="192k")


def test_each_writes_only_where_the_other_reads(containers: dict[str, Any]):
    read_only = {
        (name, mount["name"]): mount.get("readOnly", False)
        for name, container in containers.items()
        for mount in container["volumeMounts"]
    }
    assert read_only == {
        ("mover", "source"): False,
        ("mover", "output"): True,
        ("mover", "tmp-mover"): False,
        ("converter", "source"): True,
        ("converter", "output"): False,
        ("converter", "tmp-converter"): False,
    }


def test_the_volumes_are_bounded_by_what_they_are_for(pod: dict[str, Any]):
    limits = {v["name"]: int(v["emptyDir"]["sizeLimit"]) for v in pod["volumes"]}
    assert limits["source"] == 1010
    assert limits["output"] == 1010


def test_a_pod_asks_for_the_disk_that_it_fills(containers: dict[str, Any]):
    asked = {name: one["resources"]["requests"] for name, one in containers.items()}
    assert {name: one["ephemeral-storage"] for name, one in asked.items()} == {
        "mover": "1000",
        "converter": "1000",
    }


def test_the_pod_is_as_restricted_as_can_be(pod: dict[str, Any], containers: dict[str, Any]):
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    users = set()
    for container in containers.values():
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        users.add(context["runAsUser"])
        assert set(container["resources"]["limits"]) == {"memory", "cpu"}
    assert users == {10001, 10002}


def test_a_lost_node_is_left_after_half_a_minute(pod: dict[str, Any]):
    assert {t["tolerationSeconds"] for t in pod["tolerations"]} == {30}
    assert pod["terminationGracePeriodSeconds"] <= 5


def test_memory_grows_up_to_the_ceiling_and_never_under_the_limit():
    assert allot(RESOURCES, Share(), 1, 400 * MI)["limits"]["memory"] == str(150 * MI)
    assert allot(RESOURCES, Share(), 2, 400 * MI)["limits"]["memory"] == str(300 * MI)
    assert allot(RESOURCES, Share(), 4, 400 * MI)["limits"]["memory"] == str(400 * MI)
    assert allot(RESOURCES, Share(), 4, 100 * MI)["limits"]["memory"] == str(150 * MI)


def test_the_body_is_the_same_whoever_builds_it(body: dict[str, Any]):
    again = build_job(conversion(), Attempt(1, 2), WORKER)
    assert json.dumps(body) == json.dumps(again)


@pytest.mark.parametrize(("text", "size"), [("150Mi", 150 * MI), ("1k", 1000), ("7", 7)])
def test_quantities_of_bytes_are_understood(text: str, size: int):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "Mi", "1.5Gi", "-1", "150 Mi", "100m"])
def test_what_is_no_quantity_of_bytes_is_refused(text: str):
    with pytest.raises(ValueError, match="quantity"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "cores"), [("2", 2), ("100m", 1), ("1500m", 2), ("0.5", 1), ("2.0", 2), ("0", 0)]
)
def test_quantities_of_cpu_are_understood_and_rounded_up(text: str, cores: int):
    assert parse_cores(text) == cores


@pytest.mark.parametrize("text", ["", "m", "-1", "1 m", "2k", "1.m", "0x1"])
def test_what_is_no_quantity_of_cpu_is_refused(text: str):
    with pytest.raises(ValueError, match="quantity"):
        parse_cores(text)
