"""The objects that the bench loads: a conversion as the gateway makes it, and one that is over."""

import json
from datetime import UTC, datetime
from typing import Any

from hack.bench.scale.stores import OWNER

from soundstrip_crds.names import API_VERSION, FINALIZER, KIND, OWNER_LABEL

Body = dict[str, Any]

RESULT: Body = {
    "fileId": "f" * 24,
    "filename": "clip.mp3",
    "size": 240_000,
    "sha256": "0" * 64,
    "contentType": "audio/mpeg",
    "durationSeconds": 10.0,
    "bitrate": 192_000,
}

MEDIA: Body = {
    "container": "mov,mp4,m4a,3gp,3g2,mj2",
    "durationSeconds": 10.0,
    "tracks": [
        {"index": 1, "codec": "aac", "channels": 2, "sampleRate": 44_100, "bitrate": 128_000}
    ],
}

REPORT = json.dumps({"result": RESULT, "media": MEDIA})
"""The last words of a mover that has stored a result."""


def new_conversion() -> Body:
    """Return a conversion without a status; the stub gives each its name and file id."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": "",
            "namespace": "bench",
            "labels": {OWNER_LABEL: OWNER},
            "finalizers": [FINALIZER],
        },
        "spec": {
            "source": {
                "fileId": "",
                "filename": "clip.mp4",
                "size": 1000,
                "contentType": "video/mp4",
                "sha256": "0" * 64,
            },
            "owner": {"id": OWNER, "name": "Ann"},
            "output": {"format": "mp3", "bitrate": "192k"},
            "notify": {"email": True},
            "cancelled": False,
            "activeDeadlineSeconds": 3600,
        },
    }


def finished_conversion() -> Body:
    """Return a conversion that has come to rest."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    one_try = {
        "number": 1,
        "job": f"vc-{'0' * 24}-00000000-1-1",
        "startedAt": now,
        "finishedAt": now,
        "reason": "Succeeded",
    }
    status = {
        "observedGeneration": 1,
        "conditions": [
            _condition("Accepted", "SourceClaimed", now),
            _condition("Succeeded", "Succeeded", now),
            _condition("Finished", "Succeeded", now),
            _condition("Notified", "Published", now),
        ],
        "progress": {"percent": 100},
        "media": MEDIA,
        "result": RESULT,
        "runs": [{"number": 1, "tries": [one_try]}],
    }
    return new_conversion() | {"status": status}


def _condition(kind: str, reason: str, now: str) -> Body:
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": "A sentence of the usual length that says what a person can do.",
        "lastTransitionTime": now,
        "observedGeneration": 1,
    }
