"""Somebody who follows docs/api.md from top to bottom, as it stands there."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 180
_SHELL = r"""
set -au -o pipefail
. "$2"
curl() {
    local seconds=150 code=0
    case " $* " in *:*/v1/events*) seconds=8 ;; esac
    command curl -sS --max-time $seconds -w '%{stderr}\n%{method} %{url} %{http_code}\n' "$@" ||
        code=$?
    [ $seconds.$code = 8.28 ] || return $code
}
eval "$1" || exit
if [[ $1 =~ ^([A-Z_]+)=\$\( ]]; then
    case ${!BASH_REMATCH[1]} in '' | null) exit 99 ;; esac
fi
{ declare -px; declare -f; } >"$2"
"""
"""Runs the command $1 with what the ones before left in the file $2.

It tells on stderr what was asked and answered. A stream without an end is watched for a moment, and
a variable that is filled gets something.
"""

_ASKS = re.compile(r"\b(?:curl|tus) ")
_ASKED = re.compile(r"^([A-Z]+) http://(127\.0\.0\.1:\d+)([^ ?]*)\S* (\d{3})$", re.MULTILINE)
_STATUS = re.compile(r"# (\d{3})$")


@dataclass(frozen=True)
class Asked:
    """One request, and the status of its answer."""

    method: str
    host: str
    path: str
    status: int


@dataclass(frozen=True)
class Done:
    """A line that was run: what it asked, and what was not as it should be, if anything."""

    asked: tuple[Asked, ...]
    complaint: str = ""


def read_sections(text: str) -> dict[str, list[str]]:
    """Return the commands of each section that has some: all lines of the blocks that ask."""
    sections: dict[str, list[str]] = {}
    for part in re.split(r"^##+ ", text, flags=re.MULTILINE):
        blocks = re.findall(r"(?<=\n\n)(?:    .*\n)+", part)
        lines = [line for block in blocks if _ASKS.search(block) for line in _read_lines(block)]
        if lines:
            sections[part.partition("\n")[0]] = lines
    return sections


def _read_lines(block: str) -> list[str]:
    return [line.strip() for line in re.sub(r"\\\n *", "", block).splitlines()]


class Reader:
    """A person at a shell, in a directory, at an installation.

    `places` are what is written on the page, and what it is at this installation.
    """

    def __init__(self, directory: Path, places: Mapping[str, str]) -> None:
        self._directory = directory
        self._places = places
        self._memory = directory / ".memory"
        self._memory.touch()

    def know(self, variable: str, value: str) -> None:
        """Take a variable's value from elsewhere than the page."""
        with self._memory.open("a") as file:
            file.write(f"\n{variable}={shlex.quote(value)}\n")

    def follow(self, line: str) -> Done:
        """Run a line of the page after all those before it."""
        command = line
        for written, real in self._places.items():
            command = command.replace(written, real)
        done = subprocess.run(
            ["bash", "-c", _SHELL, "bash", command, str(self._memory)],
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
        asked = tuple(
            Asked(method, host, path, int(status))
            for method, host, path, status in _ASKED.findall(done.stderr)
        )
        wrong = _complain(line, done.returncode, [each.status for each in asked])
        return Done(asked, wrong and f"{wrong}: {line}\n{done.stdout}\n{done.stderr}")


def _complain(line: str, code: int, statuses: list[int]) -> str:
    """Say what is wrong with a line's end, or nothing."""
    promised = _STATUS.search(line)
    wanted = {int(promised[1])} if promised else set(range(200, 300))
    if code:
        return f"ended with {code}"
    if statuses and statuses[-1] not in wanted:
        return f"answered with {statuses[-1]}"
    return ""
