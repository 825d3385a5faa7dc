"""Each line of docs/api.md does what stands beside it, and no route is without one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.e2e.installation import Installation
from tests.e2e.person import Person
from tests.e2e.reader import Asked, Reader, read_sections
from tests.media import make_heavy
from tests.waiting import wait_until

_TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
_SECTIONS = read_sections(_TEXT)
_LETTERS = ("/v1/password-resets/confirm", "/v1/registrations/confirm")


@pytest.fixture(scope="module")
def reader(
    installation: Installation, demo: Person, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """Somebody with a video, who cleans up in the end."""
    directory = tmp_path_factory.mktemp("reader")
    make_heavy(directory / "talk.mp4", seconds=2)
    kubectl = f"kubectl --context={installation.namespace.context}"
    places = {
        "http://127.0.0.1:8000": f"http://127.0.0.1:{installation.gateway.port}",
        "http://127.0.0.1:5000": f"http://127.0.0.1:{installation.auth.port}",
        "kubectl -n soundstrip ": f"{kubectl} -n {installation.namespace.name} ",
    }
    before = names(installation)
    yield Reader(directory, places)
    if left := names(installation) - before:
        delete = ["delete", "videoconversion", *left, "--ignore-not-found", "--timeout=170s"]
        installation.namespace.kubectl(*delete)


@pytest.fixture(scope="module")
def asked() -> set[Asked]:
    """What the lines have asked so far."""
    return set()


def names(installation: Installation) -> set[str]:
    found = installation.namespace.list("videoconversions")
    return {conversion["metadata"]["name"] for conversion in found}


def test_no_line_is_left_out():
    followed = [line for lines in _SECTIONS.values() for line in lines if "curl " in line]
    assert len(followed) == len(re.findall(r"^ +.*\bcurl .*$", _TEXT, re.MULTILINE)) > 100
    assert "```" not in _TEXT


@pytest.mark.parametrize("section", _SECTIONS)
def test_each_line_goes_through(
    section: str, reader: Reader, asked: set[Asked], installation: Installation
):
    complaints = []
    for line in _SECTIONS[section]:
        if "$TOKEN_OF_LETTER" in line:
            [way] = [each for each in _LETTERS if each in line]
            reader.know("TOKEN_OF_LETTER", read_letter(installation, way))
        done = reader.follow(line)
        asked.update(done.asked)
        complaints += [done.complaint] * bool(done.complaint)
    assert not complaints, "\n\n".join(complaints)


def read_letter(installation: Installation, way: str) -> str:
    """Return the token of the newest letter that says to take it there."""

    def texts() -> list[str]:
        return [mail["text"] for mail in installation.letters() if way in mail["text"]]

    wait_until(texts, f"a letter for {way} comes", seconds=120)
    token = re.search(r"^    (ssv_\S+)$", texts()[0], re.MULTILINE)
    assert token
    return token[1]


@pytest.mark.parametrize("service", ["gateway", "auth"])
def test_each_route_is_asked_for_by_a_line(
    service: str, installation: Installation, asked: set[Asked]
):
    host = f"127.0.0.1:{getattr(installation, service).port}"
    document = requests.get(f"http://{host}/openapi.json", timeout=30).json()
    routes = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    left = {route for route in routes if not any(is_of(route, host, each) for each in asked)}
    assert not left


def is_of(route: tuple[str, str], host: str, asked: Asked) -> bool:
    method, path = route
    pattern = re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(path))
    reached = asked.host == host and re.fullmatch(pattern, asked.path)
    return bool(reached) and asked.method == method and asked.status < 500
