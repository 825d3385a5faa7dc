"""What holds for the tests of all rooms: how they run side by side, and one module kept whole.

pytest imports operator/tests/test_x.py as `operator.tests.test_x`, and puts an empty package in the
place of a module `operator` that is none. With a path, the standard library's passes for a package.
"""

import operator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent
_END_TO_END_SECONDS = 600

operator.__path__ = [str(_ROOT / "operator")]  # type: ignore[attr-defined]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, and all that share the installation on one too."""
    for item in items:
        path = item.path.relative_to(_ROOT)
        shared = path.parts[:2] == ("tests", "e2e")
        item.add_marker(pytest.mark.xdist_group("e2e" if shared else str(path)))
        if shared:
            item.add_marker(pytest.mark.timeout(_END_TO_END_SECONDS))
