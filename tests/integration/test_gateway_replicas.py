"""A replica may die at any time: what it was doing goes on with another."""

import hashlib

import pytest
import requests
from tests.gateways import MEBIBYTE, VIDEO, Stage, read_what_comes


@pytest.mark.timeout(240)
def test_a_download_goes_on_with_another_replica(stage: Stage):
    audio = hashlib.shake_256(b"noise").digest(12 * MEBIBYTE)
    with stage.run_gateway() as one, stage.run_gateway() as other:
        headers = stage.header("ann")
        taken = requests.post(
            f"{one.url}/v1/conversions", data=VIDEO, headers=headers, timeout=30
        ).json()
        stage.finish(taken["id"], "Succeeded", audio)
        path = f"/v1/conversions/{taken['id']}/result"
        answer = requests.get(one.url + path, headers=headers, timeout=30, stream=True)
        got = answer.raw.read(1000)
        one.kill()
        got += read_what_comes(answer)
        assert len(got) < len(audio), "it was through before the replica died"
        rest = {"Range": f"bytes={len(got)}-", "If-Range": answer.headers["ETag"]}
        more = requests.get(other.url + path, headers=headers | rest, timeout=30)
    assert more.status_code == 206
    assert more.headers["Content-Range"] == f"bytes {len(got)}-{len(audio) - 1}/{len(audio)}"
    assert got + more.content == audio
