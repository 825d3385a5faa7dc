"""What a user has, and may have."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, get_args

import msgspec
from msgspec import Meta

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.reasons import Reason
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.library import Library
from soundstrip_gateway.quotas import Quota
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.views import State, state_of
from soundstrip_storage.history import Share
from soundstrip_storage.layout import Bucket
from soundstrip_storage.usage import Stored


class Files(msgspec.Struct):
    """How many, and their bytes."""

    files: int
    bytes: int


class UsageView(msgspec.Struct, rename="camel"):
    """What is there: in the cluster and in the archive together."""

    conversions: Annotated[dict[State, int], Meta(description="how many, by state")]
    conversions_today: Annotated[int, Meta(description="made since midnight UTC")]
    media_seconds: Annotated[float, Meta(description="of all sources, as far as it is known")]
    sources: Files
    results: Files


class Me(msgspec.Struct, rename="camel", omit_defaults=True):
    """Who you are, what you may have, and what you have."""

    id: str
    name: str
    quota: Annotated[Quota, Meta(description="null is without limit")]
    usage: UsageView
    email: str | None = None
    admin: bool = False


def describe_caller(caller: Caller, quota: Quota, conversions: Conversions, library: Library) -> Me:
    """Return what there is of the caller.

    Raises:
        StorageUnavailable: If MongoDB is away.
        ClusterUnavailable: If the API server is away.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    live = conversions.live_of(caller)
    shares = conversions.archived_of(caller, midnight, {c.metadata.uid for c in live})
    usage = sum_up(live, shares, midnight)
    usage.sources = _files(library.measure(Bucket.SOURCES, caller.id))
    usage.results = _files(library.measure(Bucket.RESULTS, caller.id))
    return Me(caller.id, caller.name, quota, usage, caller.email, caller.admin)


def sum_up(
    live: Iterable[VideoConversion], shares: Iterable[Share], midnight: datetime
) -> UsageView:
    """Return what conversions come to; files are not counted."""
    states: Counter[State] = Counter(dict.fromkeys(get_args(State), 0))
    today, seconds = 0, 0.0
    for conversion in live:
        media = conversion.status.media
        states[state_of(conversion)] += 1
        today += (conversion.metadata.creation_timestamp or midnight) >= midnight
        seconds += (media and media.duration_seconds) or 0.0
    for share in shares:
        states[_state_of(share)] += share.count
        today += share.count_since
        seconds += share.media_seconds
    return UsageView(dict(states), today, round(seconds, 3), Files(0, 0), Files(0, 0))


def _state_of(share: Share) -> State:
    if share.status == "True":
        return "succeeded"
    return "cancelled" if share.reason == Reason.CANCELLED else "failed"


def _files(stored: Stored) -> Files:
    return Files(stored.files, stored.bytes)
