"""Fuzzes one reader with atheris, which looks for inputs that reach new code.

Usage: python -m tests.fuzz.coverage NAME [libFuzzer's options and folders]
"""

import sys

import atheris

_OURS = ["soundstrip_crds", "soundstrip_media", "soundstrip_worker"]

with atheris.instrument_imports(include=_OURS):
    from tests.fuzz.targets import TARGETS

_, name, *options = sys.argv
atheris.Setup([sys.argv[0], *options], TARGETS[name].read)
atheris.Fuzz()
