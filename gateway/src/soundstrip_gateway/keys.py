"""The auth service's public keys, kept here so that a token is checked without asking it."""

import math
import threading
import time
from collections.abc import Callable, Mapping

import jwt
import requests
import structlog

_FRESH_SECONDS = 300.0
_COOLDOWN_SECONDS = 5.0
"""How long one fetch, good or bad, stands for all that come after it."""

_PATIENCE_SECONDS = 3.0
"""How long a thread waits for the fetch of another."""

_TIMEOUT_SECONDS = (2.0, 3.0)

_NOT_A_JWKS = (AttributeError, TypeError, ValueError)
"""What PyJWT and json raise for JSON of another shape, and for what is no JSON."""

log = structlog.get_logger("soundstrip.gateway")

Keys = Mapping[str, jwt.PyJWK]


class AuthUnavailable(Exception):
    """The auth service did not answer: the world's fault, worth another try."""


class KeyRing:
    """A cached JWKS that serves stale keys while those who publish them are away.

    Keys are asked for again after five minutes, or when a token names an unknown one; never more
    often than every five seconds, however many tokens with made-up key ids arrive. A key is unknown
    only if a good answer lacked it: while there is none, nobody is refused for a key of theirs.
    """

    def __init__(
        self, fetch: Callable[[], Keys], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._keys: Keys | None = None
        self._good_until = -math.inf
        self._quiet_until = -math.inf
        self._missed = False

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key with this id; None if there is none.

        Raises:
            AuthUnavailable: If the keys were never to be had so far, or this one is not among the
                stale ones.
        """
        known = key_id in (self._keys or {})
        if not known or self._clock() > self._good_until:
            self._refresh(wait=not known)
        key = self._held().get(key_id)
        if key is None and self._missed:
            raise AuthUnavailable("The keys of tokens are not to be had.")
        return key

    def check(self) -> None:
        """Return if tokens can be checked, be it with stale keys.

        Raises:
            AuthUnavailable: If the keys were never to be had so far.
        """
        if self._keys is None:
            self._refresh(wait=True)
        self._held()

    def _held(self) -> Keys:
        if self._keys is None:
            raise AuthUnavailable("The auth service does not answer.")
        return self._keys

    def _refresh(self, *, wait: bool) -> None:
        """Fetch, one thread at a time; who has a stale key does not wait for another's fetch."""
        if not self._fetching.acquire(timeout=_PATIENCE_SECONDS if wait else 0):
            if wait:
                raise AuthUnavailable("The keys of tokens take long to come.")
            return
        try:
            if self._clock() >= self._quiet_until:
                self._replace_keys()
                self._quiet_until = self._clock() + _COOLDOWN_SECONDS
        finally:
            self._fetching.release()

    def _replace_keys(self) -> None:
        try:
            self._keys = self._fetch()
            self._good_until = self._clock() + _FRESH_SECONDS
            self._missed = False
        except AuthUnavailable as error:
            self._missed = True
            log.warning("keys of tokens were not to be had", error=str(error))


def fetch_keys(url: str) -> Keys:
    """Fetch the JWKS at `url` and return its signing keys by their ids.

    Raises:
        AuthUnavailable: If there is no answer, or one that is no JWKS.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no .netrc for a service inside the cluster
            answer = session.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
    except (requests.RequestException, jwt.PyJWTError, *_NOT_A_JWKS) as error:
        raise AuthUnavailable(f"No keys from the auth service ({type(error).__name__}).") from error
    return {key.key_id: key for key in keys if key.key_id}
