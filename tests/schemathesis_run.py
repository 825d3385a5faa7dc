"""schemathesis over a whole API, as somebody whose token is given."""

import os
import subprocess
import sys
from pathlib import Path

_SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 401, 403, 404, 409, 410, 412, 413, 415, 416, 422, 423, 429, 460]
"""
"""What a schema can't say: which words go together, which cursor was given out, what is yours."""


def check_api(
    url: str,
    authorization: str,
    directory: Path,
    *arguments: str,
    examples: int = 15,
    hooks: str = "",
) -> None:
    """Fail if the API at the URL answers anything in another way than its description says.

    Args:
        url: Where it is; its description is `/openapi.json` there.
        authorization: The header that all requests carry.
        directory: An empty one, for what schemathesis reads and writes.
        arguments: Further ones of schemathesis, as which paths are meant.
        examples: How many requests of each kind each operation gets at most.
        hooks: Python that teaches schemathesis what it can't guess.
    """
    (directory / "schemathesis.toml").write_text(_SETTINGS)
    (directory / "hooks.py").write_text(hooks)
    told = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{url}/openapi.json",
            f"--header=Authorization: {authorization}",
            f"--max-examples={examples}",
            "--continue-on-failure",
            "--request-timeout=30",
            "--generation-deterministic",
            f"--report-dir={directory}",
            "--no-color",
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks.py"},
    )
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
