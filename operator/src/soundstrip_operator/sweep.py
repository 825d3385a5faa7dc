"""Which blobs may go: decided over what is stored and who needs it, with nothing touched here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from soundstrip_crds.conversion import VideoConversion
from soundstrip_storage.inventory import Blob
from soundstrip_storage.layout import Bucket


@dataclass(frozen=True)
class SweepPolicy:
    """Times in seconds, and the brakes."""

    delay: float = 86_400.0
    """How long what nobody needs is marked before it goes."""
    grace: float = 3600.0
    """How long what is new, or whose writer gave a sign of life, is left alone."""
    limit_percent: float = 10.0
    """The share of all blobs that may go at once."""
    floor: int = 10
    """So many may go at once in any case: a tenth of a small installation is next to nothing."""
    source_retention: float | None = None
    result_retention: float | None = None
    """How long files are kept at most, whoever needs them; None is for ever."""

    def retention(self, bucket: Bucket) -> float | None:
        """Return how long the files of this bucket are kept at most."""
        return self.source_retention if bucket is Bucket.SOURCES else self.result_retention


@dataclass(frozen=True)
class Needs:
    """Who needs blobs: conversions by their uids, and the ids of the sources that they name."""

    uids: frozenset[str]
    sources: frozenset[str]

    @classmethod
    def of(
        cls, conversions: Iterable[VideoConversion], awaited: frozenset[str] = frozenset()
    ) -> "Needs":
        """Return what these conversions need, and those of the `awaited` sources are going to.

        A source is needed before it is claimed.
        """
        pairs = [(c.metadata.uid, c.spec.source.file_id) for c in conversions]
        named = frozenset(source for _, source in pairs)
        return cls(frozenset(uid for uid, _ in pairs), named | awaited)

    def cover(self, blob: Blob) -> bool:
        """Say whether anybody needs the blob."""
        named = blob.bucket is Bucket.SOURCES and str(blob.id) in self.sources
        return named or not self.uids.isdisjoint(blob.users)


class Fate(Enum):
    """What becomes of a blob in one sweep."""

    KEEP = "keep"
    UNMARK = "unmark"
    MARK = "mark"
    WAIT = "wait"
    REMOVE = "remove"


def judge(blob: Blob, needs: Needs, now: datetime, policy: SweepPolicy) -> Fate:
    """Return the fate of a blob, `needs` being those of all conversions, archived ones too.

    A mark counts from when it was set, unless the writer gave a sign of life after it.
    """
    if needs.cover(blob) or _is_fresh(blob, now, policy):
        return Fate.KEEP if blob.marked_at is None else Fate.UNMARK
    marked = blob.marked_at
    if marked is None or (blob.touched_at is not None and blob.touched_at > marked):
        return Fate.MARK
    return Fate.REMOVE if now - marked >= timedelta(seconds=policy.delay) else Fate.WAIT


def is_past_retention(blob: Blob, busy: Needs, now: datetime, policy: SweepPolicy) -> bool:
    """Say whether a file is to go for its age, `busy` being the needs of unfinished conversions."""
    limit = policy.retention(blob.bucket)
    if limit is None or busy.cover(blob) or _has_living_writer(blob, now, policy):
        return False
    return now - blob.stored_at >= timedelta(seconds=limit)


def is_too_much(due: int, total: int, policy: SweepPolicy) -> bool:
    """Say whether so many of all blobs at once look like a mistake: a lost view, a lost archive."""
    return due > max(policy.floor, total * policy.limit_percent / 100)


def _is_fresh(blob: Blob, now: datetime, policy: SweepPolicy) -> bool:
    young = now - blob.stored_at < timedelta(seconds=policy.grace)
    return young or _has_living_writer(blob, now, policy)


def _has_living_writer(blob: Blob, now: datetime, policy: SweepPolicy) -> bool:
    touched = blob.touched_at
    return touched is not None and now - touched < timedelta(seconds=policy.grace)
