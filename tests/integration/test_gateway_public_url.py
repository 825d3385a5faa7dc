"""Addresses that a gateway tells of itself, and what the process beside it counts."""

from typing import Any

import requests
from tests.gateways import VIDEO, Stage
from tests.live import Reader, run_replica
from tests.waiting import wait_until

PUBLIC = "https://audio.example.org/soundstrip"


def test_with_a_public_url_every_address_is_below_it_and_streams_are_counted(stage: Stage):
    header = stage.header("ann")
    with run_replica(stage, gateway={"PUBLIC_URL": f"{PUBLIC}/"}, PUBLIC_URL=PUBLIC) as replica:

        def ask(method: str, path: str, **options: Any) -> requests.Response:
            told = header | {"Tus-Resumable": "1.0.0"} | options.pop("headers", {})
            url = replica.url + path
            return requests.request(method, url, headers=told, timeout=30, **options)

        answer = ask("POST", "/v1/conversions", data=VIDEO)
        made = answer.json()
        here = f"{PUBLIC}/v1/conversions/{made['id']}"
        assert answer.headers["Location"] == made["links"]["self"] == here
        upload = ask("POST", "/v1/uploads", headers={"Upload-Length": "100"})
        assert upload.headers["Location"].startswith(f"{PUBLIC}/v1/uploads/")

        reader = Reader(f"{replica.url}/v1/events", header)
        told = dict(reader.next() for _ in range(2))  # in either order
        assert told["conversion"]["links"]["self"] == here
        assert "ready" in told
        resumed = Reader(f"{replica.url}/v1/events", header, reader.mark)
        resumed.until("ready")
        opened, sent = "soundstrip_live_streams_opened_total", "soundstrip_live_events_sent_total"
        ready = f'{sent}{{event="ready"}}'
        wait_until(lambda: replica.live.metric(ready) == 2, "both are told that all is told")
        assert replica.live.metric("soundstrip_live_streams") == 2
        assert replica.live.metric(f'{opened}{{beginning="resumed"}}') == 1
        assert replica.live.metric(f'{sent}{{event="conversion"}}') >= 1
        for one in (reader, resumed):
            one.close()
        stage.finish(made["id"], "Succeeded", b"audio")
        link = ask("POST", f"/v1/conversions/{made['id']}/links", json={}).json()
        assert link["url"].startswith(f"{PUBLIC}/l/")
        wait_until(
            lambda: replica.live.metric("soundstrip_live_streams") == 0, "the streams are gone"
        )
