"""What browsers may do here: the settings of other origins' pages, and of our own page's cookie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Browsers:
    """What the settings say of browsers.

    `origins` are those whose pages may read answers (`*` for all). They never come with a cookie:
    pages of other origins send a token.
    """

    origins: frozenset[str] = frozenset()
    hsts_seconds: int = 0
    secure_cookies: bool = True
