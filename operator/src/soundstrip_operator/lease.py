"""Who may act: what a candidate does about the Lease, by what it saw of it and its own clock.

Expiry is judged as client-go judges it: by how long ago the Lease was seen to change, on the
candidate's own monotonic clock. Times of two machines are never compared. A holder trusts its
hold for two thirds of what the others wait, so clocks may differ by that in speed.

A Lease is one installation's. Another installation's operator has other stores, in which no file
of these conversions is: it does not take the Lease, however long nobody renews it.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from soundstrip_crds.names import INSTALL_ANNOTATION

NOBODY = ""
ANYBODY = ""
"""The installation of a Lease that names none, as earlier operators leave it."""

_RENEWALS = 3
"""Renewals in one duration: of 45 s, one every 15 s."""

_UNHEARD_SICK = 3
_UNHEARD_LOST = 9
"""Renewals that did not come back by the watch: so many are an illness, so many the end of hope.

Kopf itself reopens a watch in which nothing came for 70 s; the end is for when that was in vain.
"""


@dataclass(frozen=True)
class Record:
    """What the Lease says. The duration is in seconds; the version grows with each change."""

    version: int
    holder: str
    duration: float
    transitions: int = 0
    """How often the holder has changed."""
    install: str = ANYBODY
    """The id of the installation whose operators may hold it."""

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "Record":
        """Read a Lease as the API server sent it."""
        spec, metadata = body.get("spec") or {}, body["metadata"]
        annotations = metadata.get("annotations") or {}
        return cls(
            version=int(metadata["resourceVersion"]),
            holder=str(spec.get("holderIdentity") or NOBODY),
            duration=float(spec.get("leaseDurationSeconds") or 0),
            transitions=int(spec.get("leaseTransitions") or 0),
            install=str(annotations.get(INSTALL_ANNOTATION) or ANYBODY),
        )


@dataclass(frozen=True)
class Candidacy:
    """What one candidate knows. Times are seconds on its own monotonic clock; None is never."""

    me: str
    install: str
    duration: float
    record: Record | None = None
    changed_at: float = 0.0
    """When the record was first seen as it is."""
    looked_at: float | None = None
    """When the Lease was last seen, changed or not."""
    is_outdated: bool = False
    """Whether the Lease is known to have changed since."""
    renewed_at: float | None = None
    """When the latest renewal that succeeded was sent."""
    echoed_at: float | None = None
    """When one of its renewals last came back by the watch."""
    unheard: int = 0
    """Renewals since then."""

    @property
    def renewal(self) -> float:
        """The seconds from one renewal to the next."""
        return self.duration / _RENEWALS

    @property
    def is_foreign(self) -> bool:
        """Whether the Lease was last seen to be another installation's."""
        return self.record is not None and self.record.install not in {self.install, ANYBODY}

    @property
    def is_holder(self) -> bool:
        """Whether the Lease was last seen in this candidate's name."""
        return self.record is not None and self.record.holder == self.me and not self.is_foreign

    def holds(self, now: float) -> bool:
        """Say whether it may act: nobody else can have found its Lease expired."""
        trusted = self.duration - self.renewal
        return self.is_holder and self.renewed_at is not None and now < self.renewed_at + trusted

    def see(self, record: Record | None, now: float) -> "Candidacy":
        """Take what the Lease is seen to say, None if there is none; of two states the newer."""
        looked = replace(self, looked_at=now, is_outdated=False)
        if self.record is not None and record is not None and record.version <= self.record.version:
            return looked
        return replace(looked, record=record, changed_at=now)

    def hear(self, record: Record, now: float) -> "Candidacy":
        """Take what the watch tells; it may be behind what was seen already."""
        echo = record.holder == self.me and self.renewed_at is not None
        heard = replace(self, echoed_at=now, unheard=0) if echo else self
        return heard.see(record, now)

    def renew(self, record: Record, sent: float, now: float) -> "Candidacy":
        """Take the answer to a claim that was sent at that time."""
        return replace(self.see(record, now), renewed_at=sent, unheard=self.unheard + 1)

    def doubt(self) -> "Candidacy":
        """Take it that the Lease is no longer as it was seen."""
        return replace(self, is_outdated=True)


@dataclass(frozen=True)
class Look:
    """Read the Lease."""


@dataclass(frozen=True)
class Claim:
    """Write one's name and the time, if the Lease is still as it was seen."""


@dataclass(frozen=True)
class Wait:
    """Decide again after this many seconds, or when the watch tells something."""

    seconds: float


@dataclass(frozen=True)
class GiveUp:
    """End: what this process knows can't be trusted any more."""

    cause: str


Step = Look | Claim | Wait | GiveUp


def decide(c: Candidacy, now: float) -> Step:
    """Return what to do about the Lease.

    Who held it and finds any other word in it ends, for what it saw of the world is from before
    the other's time. So a hold has no gap in which somebody else acted.
    """
    if c.looked_at is None or c.is_outdated:
        return Look()
    if c.renewed_at is not None and not c.is_holder:
        return GiveUp(f"the Lease was lost to {_name_holder(c)}")
    if c.unheard > _UNHEARD_LOST:
        return GiveUp(f"{c.unheard} renewals of the Lease did not come back by the watch")
    due = _next_claim(c)
    if now >= due:
        return Claim()
    look = due if c.is_holder else c.looked_at + c.renewal
    return Wait(min(due, look) - now) if now < look else Look()


def describe_lack(c: Candidacy, now: float) -> str:
    """Say what keeps a holder from acting, or a standby from taking over; empty if nothing."""
    free = c.record is None or (c.record.holder == NOBODY and not c.is_foreign)
    if free or c.looked_at is None:
        return "The Lease has not been taken yet."
    if not c.is_holder and now - c.looked_at > c.duration:
        return "The Lease could not be looked at for a while."
    if not c.is_holder:
        return _describe_abandonment(c, now)
    if not c.holds(now):
        return "The Lease was not renewed in time; nothing is done until it is."
    if c.unheard > _UNHEARD_SICK:
        return f"{c.unheard} renewals of the Lease did not come back by the watch."
    return ""


def describe_standby(c: Candidacy) -> str:
    """Say who acts, and what this one waits for; empty if there is no other."""
    if c.record is not None and c.is_foreign:
        return (
            f"The conversions of this namespace are those of the installation {c.record.install}. "
            "This one waits until that is uninstalled."
        )
    if c.record is None or c.record.holder in {c.me, NOBODY}:
        return ""
    return (
        f"{c.record.holder} acts. This one is ready to take over when the Lease is released, "
        f"or not renewed for {c.record.duration:.0f} s."
    )


def _describe_abandonment(c: Candidacy, now: float) -> str:
    """An installation that is gone may have left the Lease; only a person can know."""
    if not c.is_foreign or c.record is None or now < c.changed_at + c.duration:
        return ""
    return (
        f"The installation {c.record.install} has the Lease, and no operator of it acts. "
        "If that installation is gone for good, delete the Lease."
    )


def _next_claim(c: Candidacy) -> float:
    """Return when the Lease may be written: free at once, one's own in time, another's expired."""
    if c.is_foreign:
        return math.inf
    if c.record is None or c.record.holder == NOBODY:
        return c.changed_at
    if not c.is_holder:
        return c.changed_at + c.record.duration
    return c.changed_at if c.renewed_at is None else c.renewed_at + c.renewal


def _name_holder(c: Candidacy) -> str:
    return c.record.holder if c.record is not None and c.record.holder else "nobody"
