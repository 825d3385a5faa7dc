"""The curl lines of docs/api.md do what they say."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.gateways import VIDEO, Client, Gateway, Stage

_API = Path(__file__).parents[2] / "docs" / "api.md"
_SECTIONS = {
    "Version 1",
    "Several outputs",
    "Lists",
    "Changes",
    "Made once, and made before",
    "Links",
    "Batches",
}


def _lines() -> Iterator[str]:
    """Yield the curl lines of the sections that this is about."""
    section = ""
    for line in _API.read_text().splitlines():
        if heading := re.fullmatch("##+ (.+)", line):
            section = heading[1]
        elif line.startswith("    curl ") and section in _SECTIONS:
            yield line.strip()


def test_each_line_that_is_written_down_works(
    ann: Client, gateway: Gateway, stage: Stage, tmp_path: Path
):
    names = {word: ann.upload().json()["id"] for word in ("ID", "DONE", "FAILED", "OLD", "OTHER")}
    for word, reason, audio in [("DONE", "Succeeded", b"audio"), ("FAILED", "CorruptMedia", None)]:
        stage.finish(names[word], reason, audio)
    links = [ann.ask("POST", f"/v1/conversions/{names['DONE']}/links", json={}) for _ in range(2)]
    batch = ann.ask("POST", "/v1/batches", json={"sources": [{"conversion": names["ID"]}]})
    (tmp_path / "talk.mp4").write_bytes(VIDEO)
    environment = names | {
        "PATH": os.environ["PATH"],
        "TOKEN": stage.header("ann")["Authorization"].removeprefix("Bearer "),
        "FILE": names["OTHER"].removeprefix("vc-"),
        "SECRET": links[0].json()["url"].removeprefix("/l/"),
        "LINK": links[1].json()["id"],
        "BATCH": batch.json()["id"],
    }
    lines = list(_lines())
    assert len(lines) > 20
    for line in lines:
        command = line.replace("http://127.0.0.1:8000", gateway.url)
        done = subprocess.run(
            ["bash", "-c", command.replace("curl ", "curl --fail-with-body -sS --clobber ", 1)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=environment,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
