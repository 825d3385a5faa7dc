"""The whole converter as a target: a file goes in, and it must end as a bad file may."""

import tempfile
from pathlib import Path

from tests.hostile.solo import convert

from soundstrip_crds.job import ExitCode

NAME = "converter"
_SECONDS = 70
"""The longest that ffprobe may look, and a little."""

_MOST_BYTES = 2_000_000

_ENDS = frozenset(
    {
        ExitCode.OK,
        ExitCode.UNSUPPORTED_MEDIA,
        ExitCode.NO_AUDIO_TRACK,
        ExitCode.CORRUPT_MEDIA,
        ExitCode.LIMIT_EXCEEDED,
    }
)


def check_conversion(content: bytes, usual: frozenset[str]) -> str:
    """Convert, and return what is wrong with how that went; nothing if it went as it may.

    `usual` are the paths that are looked for with an honest file too.
    """
    with tempfile.TemporaryDirectory() as room:
        source = Path(room, "file")
        source.write_bytes(content)
        try:
            end = convert(source, Path(room, "pod"), most_bytes=_MOST_BYTES, seconds=_SECONDS)
        except AssertionError as error:
            return f"{error}"
        if end.code not in _ENDS:
            return f"{end.code!r}: {end.report.message}"
        strange = end.strange_paths() - usual
        if strange or end.look.network:
            return f"it looked at {strange} {end.look.network}"
    return ""
