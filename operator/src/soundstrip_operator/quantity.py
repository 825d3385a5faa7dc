"""Kubernetes quantities of bytes."""

import re

_FORM = re.compile(r"(\d+)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {
    None: 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
    "Ti": 1024**4,
}


def parse_bytes(text: str) -> int:
    """Return the bytes of a quantity such as `150Mi`.

    Raises:
        ValueError: If it is none.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity of bytes such as 150Mi")
    return int(match[1]) * _UNITS[match[2]]
