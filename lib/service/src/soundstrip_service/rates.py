"""How many requests there may be, by whom, and what is told of it."""

import ipaddress
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from limits import RateLimitItem, parse_many

from soundstrip_service.problems import Problem

_IPV6_NETWORK = 64
"""What one customer has of it: a limit for a single address would be none."""

_ANY = "any"


class Scope(StrEnum):
    """Whose requests are counted together."""

    USER = "user"
    ADDRESS = "address"
    LOGIN = "login"
    LETTERS = "letters"


@dataclass(frozen=True)
class Rates:
    """The limits: of a user by role, and of an address.

    Of an address without a user, of its attempts to log in, and of the letters it has sent.
    """

    users: Mapping[str, Sequence[RateLimitItem]]
    address: Sequence[RateLimitItem]
    login: Sequence[RateLimitItem]
    letters: Sequence[RateLimitItem] = ()

    def of_user(self, roles: Iterable[str]) -> Sequence[RateLimitItem]:
        """Return the limits of a user: of several roles' the ones that let most through."""
        known = [self.users[role] for role in roles if role in self.users]
        return max(known, key=_generosity, default=())


def parse_rates(text: str) -> Sequence[RateLimitItem]:
    """Return the limits of a text as `100/minute;2000/hour`; of `any` none.

    Raises:
        ValueError: If it says no limits.
    """
    return () if text in {"", _ANY} else tuple(parse_many(text))


def parse_rates_by_role(text: str) -> Mapping[str, Sequence[RateLimitItem]]:
    """Return the limits by role of a JSON object of such texts.

    Raises:
        ValueError: If it is none, or one of them says no limits.
    """
    by_role = msgspec.json.decode(text or "{}", type=dict[str, str])
    return {role: parse_rates(words) for role, words in by_role.items()}


def _generosity(items: Sequence[RateLimitItem]) -> float:
    return min((item.amount / item.get_expiry() for item in items), default=math.inf)


@dataclass(frozen=True)
class Count:
    """Where a client stands by one limit."""

    scope: Scope
    item: RateLimitItem
    remaining: int
    reset_seconds: int
    """Until there is room again for at least one request more."""
    allowed: bool


def name_address(address: str | None) -> str:
    """Return the key under which an address is counted."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        network = ipaddress.ip_network((found, _IPV6_NETWORK), strict=False)
        return str(mapped or network)
    return str(found)


def describe_counts(counts: Sequence[Count]) -> dict[str, str]:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-10, and the three before them.

    `RateLimit-Limit`, `-Remaining` and `-Reset` (draft 07) tell the limit that is nearest.
    """
    if not counts:
        return {}
    nearest = min(counts, key=lambda count: count.remaining / count.item.amount)
    return {
        "RateLimit-Policy": ", ".join(map(_policy, counts)),
        "RateLimit": ", ".join(map(_state, counts)),
        "RateLimit-Limit": str(nearest.item.amount),
        "RateLimit-Remaining": str(nearest.remaining),
        "RateLimit-Reset": str(nearest.reset_seconds),
    }


def refuse_rate(counts: Sequence[Count]) -> Problem | None:
    """Return the 429 that tells of the limit that is used up; None if there is none."""
    used_up = [count for count in counts if not count.allowed]
    if not used_up:
        return None
    worst = max(used_up, key=lambda count: count.reset_seconds)
    seconds = max(1, worst.reset_seconds)
    detail = (
        f"There were more than {worst.item.amount} requests in {worst.item.get_expiry()} seconds; "
        f"wait {seconds} seconds, and send fewer."
    )
    return Problem(
        429,
        "Too Many Requests",
        detail,
        slug="too-many-requests",
        headers={"Retry-After": str(seconds), **describe_counts(counts)},
        extensions={"scope": str(worst.scope), "limit": worst.item.amount},
    )


def _policy(count: Count) -> str:
    return f'"{_name(count)}";q={count.item.amount};w={count.item.get_expiry()}'


def _state(count: Count) -> str:
    return f'"{_name(count)}";r={count.remaining};t={count.reset_seconds}'


def _name(count: Count) -> str:
    return f"{count.scope}-{count.item.get_expiry()}"
