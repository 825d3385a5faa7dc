"""What a bad file is: its name, how it is made, and how its conversion may end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.seeds import Seeds

from soundstrip_crds.audio import Output
from soundstrip_crds.job import ExitCode

Ends = frozenset[ExitCode]

OK = frozenset({ExitCode.OK})
UNSUPPORTED = frozenset({ExitCode.UNSUPPORTED_MEDIA})
SILENT = frozenset({ExitCode.NO_AUDIO_TRACK})
CORRUPT = frozenset({ExitCode.CORRUPT_MEDIA})
LIMITED = frozenset({ExitCode.LIMIT_EXCEEDED})


@dataclass(frozen=True)
class World:
    """What bad files are made from, and what they try to reach: a file and a server."""

    seeds: Seeds
    canary: Path
    url: str


@dataclass(frozen=True)
class Case:
    """A bad file; `sounds_like` is the seed whose sound it must still give."""

    name: str
    make: Callable[[World], bytes]
    ends: Ends
    sounds_like: str | None = None
    most_result_bytes: int = 4_000_000
    output: Output | None = None
