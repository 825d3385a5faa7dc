"""The curl lines of docs/api.md do what stands beside them."""

import re
import subprocess
from pathlib import Path

import pytest
import requests
from tests.gateways import VIDEO, Stage

_DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def curl_lines(section: str) -> list[str]:
    """Return the commands of a section, as they are in the docs."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", _DOCS.read_text(), re.M | re.S)
    assert text, f"there is no section {section}"
    lines = re.findall(r"^    (curl .*)$", text[1], re.M)
    assert lines, f"the section {section} shows nothing"
    return lines


@pytest.mark.parametrize("section", ["Limits", "Admin", "Browsers"])
def test_each_curl_line_goes_through(section: str, stage: Stage, tmp_path: Path):
    (tmp_path / "talk.mp4").write_bytes(VIDEO)
    settings = {"SECURE_COOKIES": "false", "CORS_ORIGINS": "https://app.example.org"}
    with stage.run_gateway(**settings) as gateway:
        url = f"{gateway.url}/v1/conversions"
        made = requests.post(url, data=VIDEO, headers=stage.header("ann"), timeout=30).json()
        variables = {
            "PATH": "/usr/bin:/bin",
            "TOKEN": stage.auth.token("ann"),
            "ADMIN": stage.auth.token("root", admin=True),
        }
        requests.put(
            f"{gateway.url}/v1/admin/quotas/7",
            json={},
            headers={"Authorization": f"Bearer {variables['ADMIN']}"},
            timeout=30,
        )
        for line in curl_lines(section):
            command = (
                line.replace("http://127.0.0.1:8000", gateway.url)
                .replace("demo:PASSWORD", "ann:right")
                .replace("vc-65f000000000000000000001", made["id"])
                .replace("curl ", "curl --silent --show-error --fail-with-body --max-time 30 ", 1)
            )
            done = subprocess.run(
                ["bash", "-c", command],
                env=variables,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
