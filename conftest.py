"""What holds for the tests of all rooms: how they run side by side, and one module kept whole.

pytest imports operator/tests/test_x.py as `operator.tests.test_x`, and puts an empty package in the
place of a module `operator` that is none. With a path, the standard library's passes for a package.
"""

import operator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_ROOT = Path(__file__).parent
_E2E = "tests/e2e/"
_SECONDS_OF = {"tests/e2e": 1800, "tests/integration": 900}

# How quick the machine is proves nothing about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("house"), derandomize=True)
settings.load_profile("house")

operator.__path__ = [str(_ROOT / "operator")]  # type: ignore[attr-defined]


class Lanes(LoadScopeScheduling):
    """Keeps a file's tests on one worker, and all that share the installation on one too."""

    def _split_scope(self, nodeid: str) -> str:
        return _E2E if nodeid.startswith(_E2E) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Schedule by lanes, whatever `--dist` says; pytest-xdist calls this."""
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that cross rooms their time: every wait in them has a deadline of its own."""
    for item in items:
        seconds = _SECONDS_OF.get("/".join(item.nodeid.split("/")[:2]))
        if seconds and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(seconds))
