"""Passwords: hashed with argon2id, a bounded number at a time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Self

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

MEMORY_KIB = 19456
TIME_COST = 2
PARALLELISM = 1
"""OWASP Password Storage Cheat Sheet: argon2id with 19 MiB of memory, two iterations and one lane.

RFC 9106's second choice (64 MiB, three iterations, four lanes) would not fit a small pod.
"""

CONCURRENT = 2
"""Hashes at once; together they take 38 MiB, and as many cores."""


class Passwords:
    """Hashes and checks passwords, on threads of its own.

    Each thread that ever hashes keeps its 19 MiB, for malloc gives every thread an arena: on the
    threads of the HTTP server they would add up to more than a small pod has. Like all threads,
    they do not outlive a fork: who forks closes this first, and makes another.
    """

    def __init__(self) -> None:
        """Prepare a hash that nobody has the password of."""
        self._hasher = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(CONCURRENT, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("nobody")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def hash(self, password: str) -> str:
        """Return the PHC string of the password, with a salt of its own."""
        return self._threads.submit(self._hasher.hash, password).result()

    def matches(self, password: str, stored: str | None) -> bool:
        """Return whether the password is that of the PHC string; None is for no user.

        It takes as long without a user as with one, so that time does not tell who exists.
        """
        verification = self._threads.submit(self._hasher.verify, stored or self._nobody, password)
        try:
            verification.result()
        except VerifyMismatchError:
            return False
        return stored is not None
