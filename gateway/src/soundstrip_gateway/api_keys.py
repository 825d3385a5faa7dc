"""API keys: exchanged at the auth service for short tokens, which are kept here for their time."""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from soundstrip_gateway.keys import AuthUnavailable

_MOST_KEPT = 2048
"""Keys that were good, and as many that were not: made-up keys push no good one out."""

_EARLY_SECONDS = 30.0
"""So long before its end a token is not used any more."""

_REFUSED_SECONDS = 15.0
_PATIENCE_SECONDS = 2.0
_EXCHANGES = 4
"""Keys asked about at once: made-up ones hold no more threads than that."""

_TIMEOUT_SECONDS = (2.0, 5.0)
_REFUSALS = frozenset({400, 401})


class KeyRefused(Exception):
    """The API key is none, or holds no more."""


@dataclass(frozen=True)
class Grant:
    """A token for so many seconds."""

    token: str = field(repr=False)
    seconds: float


Exchange = Callable[[str], Grant]
"""Returns the token for an API key; raises KeyRefused or AuthUnavailable."""


class ApiKeys:
    """Tokens of API keys. Neither keys nor what was said of them outlive their time in memory."""

    def __init__(self, exchange: Exchange, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchange = exchange
        self._clock = clock
        self._good, self._bad = _Kept(), _Kept()
        self._places = threading.BoundedSemaphore(_EXCHANGES)

    def token(self, key: str) -> str:
        """Return a token that holds for what the key is for.

        Raises:
            KeyRefused: If the auth service refuses the key, now or a moment ago.
            AuthUnavailable: If it has to be asked and does not answer.
        """
        digest = hashlib.sha256(key.encode()).digest()
        kept = self._look(digest)
        return kept if kept is not None else self._ask(key, digest)

    def _look(self, digest: bytes) -> str | None:
        now = self._clock()
        if self._bad.find(digest, now) is not None:
            raise _refused()
        return self._good.find(digest, now)

    def _ask(self, key: str, digest: bytes) -> str:
        if not self._places.acquire(timeout=_PATIENCE_SECONDS):
            raise AuthUnavailable("Too many API keys are asked about at once.")
        try:
            kept = self._look(digest)  # another request may have asked meanwhile
            return kept if kept is not None else self._remember(key, digest)
        finally:
            self._places.release()

    def _remember(self, key: str, digest: bytes) -> str:
        try:
            grant = self._exchange(key)
        except KeyRefused:
            self._bad.keep(digest, "", self._clock() + _REFUSED_SECONDS)
            raise
        self._good.keep(digest, grant.token, self._clock() + grant.seconds - _EARLY_SECONDS)
        return grant.token


class _Kept:
    """Values with their times, the newest of them, by the hashes of keys."""

    def __init__(self) -> None:
        self._values: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, digest: bytes, now: float) -> str | None:
        with self._lock:
            value, until = self._values.get(digest, ("", -math.inf))
        return value if now < until else None

    def keep(self, digest: bytes, value: str, until: float) -> None:
        with self._lock:
            self._values[digest] = (value, until)
            self._values.move_to_end(digest)
            if len(self._values) > _MOST_KEPT:
                self._values.popitem(last=False)


def exchange_key(url: str, key: str) -> Grant:
    """Ask the auth service at `url` for a token.

    Raises:
        KeyRefused: If it refuses the key.
        AuthUnavailable: If it does not answer, or not as it should.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False  # a .netrc would add a header, and there is no proxy
            answer = session.post(
                url,
                json={"grant": "api_key", "apiKey": key},
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        if answer.status_code in _REFUSALS:
            raise _refused()
        answer.raise_for_status()
        granted = answer.json()
        return Grant(str(granted["accessToken"]), float(granted["expiresIn"]))
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        raise AuthUnavailable("The auth service does not answer as it should.") from error


def _refused() -> KeyRefused:
    return KeyRefused("The API key is none of this service's, or holds no more.")
