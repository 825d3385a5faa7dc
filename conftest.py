"""Keeps the standard library's `operator` whole while the folder operator/ is tested.

pytest imports operator/tests/test_x.py as `operator.tests.test_x`, and puts an empty package in the
place of a module `operator` that is none. With a path, the real one passes for a package.
"""

import operator
from pathlib import Path

operator.__path__ = [str(Path(__file__).parent / "operator")]  # type: ignore[attr-defined]
