"""Passwords: hashed with argon2id, a bounded number at a time."""

import threading

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

MEMORY_KIB = 19456
TIME_COST = 2
PARALLELISM = 1
"""OWASP Password Storage Cheat Sheet: argon2id with 19 MiB of memory, two iterations and one lane.

RFC 9106's second choice (64 MiB, three iterations, four lanes) would not fit a small pod.
"""

CONCURRENT = 2
"""Hashes at once; together they take 38 MiB."""


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self) -> None:
        """Prepare a hash that nobody has the password of."""
        self._hasher = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID
        )
        self._places = threading.BoundedSemaphore(CONCURRENT)
        self._nobody = self._hasher.hash("nobody")

    def hash(self, password: str) -> str:
        """Return the PHC string of the password, with a salt of its own."""
        with self._places:
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Return whether the password is that of the PHC string; None is for no user.

        It takes as long without a user as with one, so that time does not tell who exists.
        """
        with self._places:
            try:
                self._hasher.verify(stored or self._nobody, password)
            except VerifyMismatchError:
                return False
        return stored is not None
