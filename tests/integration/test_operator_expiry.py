"""The operator against real servers, when a conversion's time in the cluster is up."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import FILES, conversion, reason
from tests.waiting import wait_until

from soundstrip_crds.names import OWNER_LABEL


def store_result(database: Any, uid: str) -> None:
    file_id = ObjectId()
    metadata = {
        "install": "test",
        "owner": "u1",
        "conversionUid": uid,
        "run": 1,
        "sha256": "0" * 64,
        "contentType": "audio/mpeg",
        "durationSeconds": 1.0,
        "bitrate": 192000,
    }
    database["results.chunks"].insert_one({"files_id": file_id, "n": 0, "data": b"x"})
    database["results.files"].insert_one(
        {
            "_id": file_id,
            "length": 1,
            "chunkSize": 261120,
            "uploadDate": file_id.generation_time,
            "filename": "clip.mp3",
            "metadata": metadata,
        }
    )


def make_old(database: Any) -> None:
    """What is young is safe from the sweep for its age alone."""
    for files in ("sources.files", "results.files"):
        old = {"$set": {"uploadDate": datetime(2026, 1, 1, tzinfo=UTC)}}
        database[files].update_many({}, old)


def test_an_expired_conversion_is_archived_and_its_files_outlive_a_kill_halfway_and_the_sweep(
    kube: Namespace,
    operator: OperatorProcess,
    upload: Callable[..., str],
    database: Any,
    amqp_url: str,
) -> None:
    operator.start(RABBITMQ_URI=amqp_url)
    body = kube.create(conversion(upload()))
    name, uid = body["metadata"]["name"], body["metadata"]["uid"]
    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")
    store_result(database, uid)
    kube.kubectl("delete", "job", "--all", "--wait=false")
    kube.kubectl("wait", "--for=condition=Notified", f"vc/{name}", "--timeout=120s")
    operator.kill()
    # As a life that was killed after the archive, and before the object's end, leaves it.
    kube.patch("videoconversion", name, {"metadata": {"finalizers": None}})
    last = kube.patch("videoconversion", name, {"spec": {"ttlSecondsAfterFinished": 0}})
    database["archive"].insert_one({"_id": uid, "status": {}})
    unneeded = [ObjectId(upload()) for _ in range(12)]
    make_old(database)

    operator.start(RABBITMQ_URI=amqp_url, SWEEP_INTERVAL_SECONDS="2", SWEEP_DELAY_SECONDS="0")
    wait_until(lambda: kube.get("videoconversion", name) is None, "it has gone")

    [entry] = database["archive"].find({})
    assert (entry["_id"], entry["name"], entry["owner"]) == (uid, name, "u1")
    assert entry["labels"] == {OWNER_LABEL: "u1"}
    assert entry["spec"] == last["spec"]
    assert entry["status"]["result"] == last["status"]["result"]
    told = "SweepStopped"
    wait_until(lambda: told in reasons(kube), "too much at once stops the sweep")
    assert database["sources.files"].count_documents({}) == 13

    key = {"_id": {"$in": unneeded[:5]}}
    database["sources.files"].update_many(key, {"$set": {"metadata.refs": [uid]}})

    def left() -> list[int]:
        return [database[collection].count_documents({}) for collection in FILES]

    wait_until(lambda: left() == [6, 6, 1, 1], "the others are swept")


def reasons(kube: Namespace) -> set[str]:
    return {event["reason"] for event in kube.list("events")}
