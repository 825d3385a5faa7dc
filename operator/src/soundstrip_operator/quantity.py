"""Kubernetes quantities, of bytes and of CPU."""

import math
import re

_FORM = re.compile(r"(\d+)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_CPU_FORM = re.compile(r"(\d+(?:\.\d+)?)(m)?")
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


def parse_cores(text: str) -> int:
    """Return the cores of a quantity of CPU such as `1500m` or `2`, rounded up.

    Raises:
        ValueError: If it is none.
    """
    match = _CPU_FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity of CPU such as 1500m")
    return math.ceil(float(match[1]) / (1000 if match[2] else 1))
