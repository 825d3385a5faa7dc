"""How long those who guess passwords have to wait. Pure."""

import hashlib
from dataclasses import dataclass
from enum import Enum

from soundstrip_service.rates import name_address

FORGOTTEN_AFTER = 86400.0
"""Seconds without a failure after which all is as if there had been none."""


class TooManyAttempts(Exception):
    """There was too much guessing; `seconds` says how long to wait, at least one."""

    def __init__(self, seconds: float) -> None:
        super().__init__("There were too many attempts to log in; wait a little.")
        self.seconds = max(1, -int(-seconds // 1))


@dataclass(frozen=True)
class Pace:
    """So many failures are free; after each further one the wait doubles, up to `longest`."""

    free: int
    longest: float
    is_kept_after_success: bool = False
    """Whether a success leaves the failures before it: who has one account guesses at others."""


class Kind(Enum):
    """What failures are counted for."""

    ACCOUNT = "account"
    """What people log in with, whether or not it is somebody's."""
    ADDRESS = "address"
    """Where they come from, whatever they log in with."""
    ACCOUNT_AT_KNOWN_ADDRESS = "account at known address"
    """The first at an address from which the user has logged in before: a stranger's guesses
    elsewhere do not count there."""


PACES = {
    Kind.ACCOUNT: Pace(free=5, longest=900.0),
    Kind.ADDRESS: Pace(free=100, longest=300.0, is_kept_after_success=True),
    Kind.ACCOUNT_AT_KNOWN_ADDRESS: Pace(free=5, longest=900.0),
}


@dataclass(frozen=True)
class Mark:
    """Something that failures are counted for."""

    kind: Kind
    name: str

    @property
    def pace(self) -> Pace:
        """How failures of it are waited for."""
        return PACES[self.kind]

    @property
    def digest(self) -> bytes:
        """What it is stored under: people type passwords where their names should be."""
        return hashlib.sha256(f"{self.kind.value}\0{self.name}".encode()).digest()


@dataclass(frozen=True)
class Record:
    """How many failures there were, and how many seconds ago the last one was."""

    failures: int
    age: float


def choose_marks(login: str, address: str, *, is_known: bool) -> tuple[Mark, ...]:
    """Return what an attempt is measured by."""
    name = login.lower()
    if is_known:
        return (Mark(Kind.ACCOUNT_AT_KNOWN_ADDRESS, f"{name}\0{address}"),)
    return (Mark(Kind.ACCOUNT, name), Mark(Kind.ADDRESS, address))


def wait_after(failures: int, pace: Pace) -> float:
    """Return the seconds to wait after so many failures."""
    if failures < pace.free:
        return 0.0
    return min(pace.longest, 2.0 ** min(failures - pace.free, 30))


def seconds_left(record: Record, pace: Pace) -> float:
    """Return how long the next attempt has to wait from now on."""
    if record.age >= FORGOTTEN_AFTER:
        return 0.0
    return max(0.0, wait_after(record.failures, pace) - record.age)


def is_slow(record: Record, pace: Pace) -> bool:
    """Return whether attempts are let in only one at a time, each counted before it is made."""
    return record.age < FORGOTTEN_AFTER and record.failures >= pace.free


def widen(address: str) -> str:
    """Return what stands for an address: of IPv6 its first 64 bits, which one line has."""
    return name_address(address).partition("/")[0]
