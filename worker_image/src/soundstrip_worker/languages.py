"""Languages by their codes: containers have `fre` or `fra` where people say `fr`."""

import importlib
from typing import Any


def is_spoken(wanted: str, declared: str) -> bool:
    """Tell whether a track that declares a language has the one that is wanted.

    A code of two letters, of three, or of the older three (ISO 639-1, 639-2/T, 639-2/B) is the
    same language; `en` finds `en-GB` too (RFC 4647, section 3.3.1). What is no code is compared
    as it is.
    """
    want, have = _standardize(wanted), _standardize(declared)
    return have == want or have.startswith(f"{want}-")


def _standardize(code: str) -> str:
    langcodes: Any = importlib.import_module("langcodes")  # slow to load, and seldom needed
    try:
        return str(langcodes.standardize_tag(code)).casefold()
    except ValueError:
        return code.casefold()
