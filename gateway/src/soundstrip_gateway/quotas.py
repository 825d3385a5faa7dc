"""How much a user may have and do; decided here over what they have, with nothing asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]
Minutes = Annotated[float, msgspec.Meta(ge=0)]

_SECONDS = 60


class Quota(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The most that a user may have; None is without limit. A day is one of UTC."""

    bytes: Count | None = None
    """Stored: sources and results."""
    conversions_per_day: Count | None = None
    media_minutes_per_day: Minutes | None = None
    concurrent: Count | None = None
    """Conversions that are not finished."""
    upload_bytes: Count | None = None
    """Of a single upload."""


class Usage(msgspec.Struct, frozen=True, rename="camel"):
    """What a user has of each; what is under way counts as if it were there."""

    bytes: int = 0
    conversions_per_day: int = 0
    media_minutes_per_day: float = 0.0
    concurrent: int = 0
    upload_bytes: int = 0
    """Of all uploads that are under way."""


class Kind(StrEnum):
    """The quotas, by their names in JSON."""

    BYTES = "bytes"
    CONVERSIONS = "conversionsPerDay"
    MINUTES = "mediaMinutesPerDay"
    CONCURRENT = "concurrent"
    UPLOAD = "uploadBytes"


@dataclass(frozen=True)
class Facts:
    """What stands of a user's, by those who know: files, today's conversions, unfinished ones."""

    bytes: int = 0
    conversions: int = 0
    seconds: float = 0.0
    unfinished: int = 0


@dataclass(frozen=True)
class Ask:
    """What an upload or a further output will take; what is not known yet is 0."""

    bytes: int | None = 0
    """None once the file stands: then it is among the facts, and takes nothing more."""
    conversions: int = 1
    seconds: float = 0.0
    largest: int | None = None
    """Of several uploads in one request, the bytes of the largest; None for a single one."""

    @property
    def upload_bytes(self) -> int | None:
        """What the limit of a single upload is held against."""
        return self.bytes if self.largest is None else self.largest


@dataclass(frozen=True)
class Hold:
    """An ask that was granted, and is not among the facts yet; it ends by itself."""

    id: str
    ask: Ask
    expires_at: datetime


@dataclass(frozen=True)
class Excess:
    """The quota that an ask goes beyond."""

    kind: Kind
    used: float
    limit: float


def sum_up(facts: Facts, holds: Iterable[Hold], now: datetime) -> Usage:
    """Return what the user has, with what is granted and not ended.

    What has become a fact while its hold stands counts twice: too much for a moment, never
    too little.
    """
    asks = [hold.ask for hold in holds if hold.expires_at > now]
    held, conversions = sum(ask.bytes or 0 for ask in asks), sum(ask.conversions for ask in asks)
    return Usage(
        bytes=facts.bytes + held,
        conversions_per_day=facts.conversions + conversions,
        media_minutes_per_day=(facts.seconds + sum(ask.seconds for ask in asks)) / _SECONDS,
        concurrent=facts.unfinished + conversions,
        upload_bytes=held,
    )


def find_excess(quota: Quota, usage: Usage, ask: Ask) -> Excess | None:
    """Return the first quota that the ask goes beyond, or None if all of them have room.

    An ask of an amount that is not known yet is refused where there is no room for anything.
    """
    rows = (
        (Kind.UPLOAD, 0, ask.upload_bytes, quota.upload_bytes),
        (Kind.BYTES, usage.bytes, ask.bytes, quota.bytes),
        (Kind.CONVERSIONS, usage.conversions_per_day, ask.conversions, quota.conversions_per_day),
        (
            Kind.MINUTES,
            usage.media_minutes_per_day,
            ask.seconds / _SECONDS,
            quota.media_minutes_per_day,
        ),
        (Kind.CONCURRENT, usage.concurrent, ask.conversions, quota.concurrent),
    )
    for kind, used, asked, limit in rows:
        if limit is None or asked is None:
            continue
        if used + asked > limit or (not asked and used >= limit):
            return Excess(kind, used, limit)
    return None


def most_bytes(quota: Quota, usage: Usage, ceiling: int, *, several: bool = False) -> int:
    """Return how long an upload may be whose length nobody has told, `ceiling` at most.

    Of `several` in one request it is the length of all of them together.
    """
    bounds = [ceiling]
    if quota.upload_bytes is not None and not several:
        bounds.append(quota.upload_bytes)
    if quota.bytes is not None:
        bounds.append(max(0, quota.bytes - usage.bytes))
    return min(bounds)


def widest(quotas: Iterable[Quota]) -> Quota:
    """Return, quota by quota, the most generous of these; without any, no limit."""
    found = list(quotas)
    if not found:
        return Quota()
    limits = {name: _widest(found, name) for name in Quota.__struct_encode_fields__}
    return msgspec.convert(limits, Quota)


def _widest(quotas: list[Quota], name: str) -> int | float | None:
    limits = [msgspec.to_builtins(quota)[name] for quota in quotas]
    return None if None in limits else max(limits)
