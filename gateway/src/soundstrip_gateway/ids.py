"""Ids in URLs: a conversion's name, or just its file's id."""

import re

from soundstrip_crds.names import conversion_name

_NAME = re.compile(r"vc-[0-9a-f]{24}(-[0-9a-f]{8})?")
_FILE_ID = re.compile(r"[0-9a-f]{24}")


def parse_conversion_id(text: str) -> str | None:
    """Return the VideoConversion's name; None for what can't be one."""
    if _FILE_ID.fullmatch(text):
        return conversion_name(text)
    return text if _NAME.fullmatch(text) else None
