"""A real server for test_server.py: `python sample_server.py PORT TIMEOUT DIRECTORY`."""

import sys
import time
from pathlib import Path

import flask

from soundstrip_service.logs import configure_logs
from soundstrip_service.problems import install_problems
from soundstrip_service.server import serve

port, timeout_seconds, directory = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
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


if __name__ == "__main__":
    configure_logs("info")
    serve(app, host="127.0.0.1", port=port, threads=2, timeout_seconds=timeout_seconds)
