"""A gateway that dies between an upload's last byte and its conversion loses neither."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from tests.faulty_api import SILENCE, Fault, FaultyApi, Target
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until

_CREATION = Target("POST", "/videoconversions")
_LOOK = Target("GET", "/videoconversions/")


def test_what_a_killed_gateway_has_stored_is_taken_up_by_the_next(
    stage: Stage, api: FaultyApi, tmp_path: Path
):
    kubeconfig = tmp_path / "faulty"
    kubeconfig.write_text(api.kubeconfig)
    api.faults += [Fault(_CREATION, SILENCE), Fault(_LOOK, SILENCE, times=100)]
    with stage.run_gateway(KUBECONFIG=str(kubeconfig)) as gateway:
        client = _upload(gateway, stage)
        wait_until(lambda: api.faults[0].met, "the conversion is about to be created")
        gateway.kill()
        client.close()
    assert stage.kube.list("videoconversions") == []
    assert stage.leftovers() == {"intents": 1, "sources.files": 1, "sources.chunks": 1}
    with stage.run_gateway(TAKE_UP_SECONDS="1") as gateway:
        wait_until(lambda: "intents" not in stage.leftovers(), "the upload is taken up")
        [made] = stage.kube.list("videoconversions")
        shown = requests.get(
            f"{gateway.url}/v1/conversions/{made['metadata']['name']}",
            headers=stage.header("ann"),
            timeout=30,
        ).json()
    assert shown["source"]["filename"] == "talk.mp4"
    assert shown["output"] == {"format": "mp3", "quality": "V2"}


def test_a_conversion_that_stands_already_is_not_made_again(stage: Stage):
    with stage.run_gateway(TAKE_UP_SECONDS="1") as gateway:
        url = f"{gateway.url}/v1/conversions"
        made = requests.post(url, data=VIDEO, headers=stage.header("ann"), timeout=30).json()
        before = stage.kube.get("videoconversion", made["id"])
        assert before
        stage.database["intents"].insert_one(_left_behind(stage, before))
        wait_until(lambda: "intents" not in stage.leftovers(), "the intent is settled")
        assert stage.kube.get("videoconversion", made["id"]) == before


def _left_behind(stage: Stage, conversion: dict[str, Any]) -> dict[str, Any]:
    """Return the intent that stands if its gateway dies before it is settled."""
    file = stage.database["sources.files"].find_one({})
    assert file
    long_ago = datetime(2025, 1, 1, tzinfo=UTC)
    names = {name: conversion[name] for name in ("apiVersion", "kind", "spec")}
    body = names | {"metadata": {"name": conversion["metadata"]["name"]}}
    return {
        "_id": file["_id"],
        "bucket": "sources",
        "install": "soundstrip",
        "owner": "ann",
        "startedAt": long_ago,
        "touchedAt": long_ago,
        "order": json.dumps([body]),
    }


def _upload(gateway: Gateway, stage: Stage) -> socket.socket:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    client = socket.create_connection((host, int(port)), timeout=30)
    head = [
        "POST /v1/conversions?filename=talk.mp4&quality=V2 HTTP/1.1",
        "Host: x",
        f"Authorization: {stage.header('ann')['Authorization']}",
        f"Content-Length: {len(VIDEO)}",
    ]
    client.sendall("\r\n".join([*head, "", ""]).encode() + VIDEO)
    return client
