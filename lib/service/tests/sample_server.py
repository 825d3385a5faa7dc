"""A real server for test_server.py: `python sample_server.py PORT TIMEOUT DIRECTORY [PACE]`.

PACE is seconds for a header, bytes a second, and seconds of grace, with commas.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import flask

from soundstrip_service.logs import configure_logs
from soundstrip_service.pace import Pace
from soundstrip_service.problems import install_problems
from soundstrip_service.server import serve

port, timeout_seconds, directory = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
header_seconds, rate, grace = sys.argv[4].split(",") if len(sys.argv) > 4 else ("15", "0", "0")
pace = Pace(float(header_seconds), int(rate), float(grace))
app = flask.Flask("sample")
install_problems(app)


@app.post("/count")
def count() -> dict[str, int]:
    """Return the size of the body, read as a stream."""
    total = 0
    while piece := flask.request.stream.read(65536):
        total += len(piece)
    return {"bytes": total}


@app.get("/wait")
def wait() -> str:
    """Answer when the file `go` is there; say by the file `begun` that the request is here."""
    (directory / "begun").touch()
    deadline = time.monotonic() + 10
    while not (directory / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return "waited"


@app.get("/large")
def large() -> flask.Response:
    """Return a gigabyte."""

    def blocks() -> Iterator[bytes]:
        for _ in range(1024):
            yield bytes(1024 * 1024)

    return flask.Response(blocks())


if __name__ == "__main__":
    configure_logs("info")
    serve(app, host="127.0.0.1", port=port, threads=2, timeout_seconds=timeout_seconds, pace=pace)
