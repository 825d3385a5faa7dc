from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from soundstrip_gateway.quotas import (
    Ask,
    Facts,
    Hold,
    Kind,
    Quota,
    Usage,
    find_excess,
    most_bytes,
    sum_up,
    widest,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
QUOTA = Quota(bytes=1000, conversions_per_day=5, media_minutes_per_day=2, concurrent=3)


@dataclass
class World:
    """The stores: files, charges and objects, and the holds beside them."""

    bytes: int = 0
    conversions: int = 0
    seconds: float = 0.0
    unfinished: int = 0
    holds: list[Hold] = field(default_factory=list)

    def usage(self) -> Usage:
        facts = Facts(self.bytes, self.conversions, self.seconds, self.unfinished)
        return sum_up(facts, self.holds, NOW)


class Uploads(RuleBasedStateMachine):
    """Uploads of one user in any order: begun, confirmed, stored, given up, deleted."""

    begun = Bundle("begun")
    stored = Bundle("stored")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.count = 0

    @rule(target=begun, length=st.integers(0, 600))
    def begin(self, length: int) -> Hold | None:
        ask = Ask(bytes=length)
        if find_excess(QUOTA, self.world.usage(), ask):
            return None
        self.count += 1
        hold = Hold(str(self.count), ask, LATER)
        self.world.holds.append(hold)
        return hold

    @rule(
        target=stored,
        hold=consumes(begun),
        length=st.integers(1, 600),
        seconds=st.floats(0, 90),
    )
    def finish(self, hold: Hold | None, length: int, seconds: float) -> Ask | None:
        """The length is what came, whatever was said."""
        if hold is None:
            return None
        self.world.holds.remove(hold)
        ask = Ask(bytes=length, seconds=seconds)
        if find_excess(QUOTA, self.world.usage(), ask):
            return None
        self.world.bytes += ask.bytes
        self.world.conversions += 1
        self.world.seconds += ask.seconds
        self.world.unfinished += 1
        return ask

    @rule(hold=consumes(begun))
    def give_up(self, hold: Hold | None) -> None:
        if hold is not None:
            self.world.holds.remove(hold)

    @rule(ask=consumes(stored))
    def convert_and_delete(self, ask: Ask | None) -> None:
        """What is deleted gives its room back, and stays among the day's conversions."""
        if ask is not None:
            self.world.bytes -= ask.bytes
            self.world.unfinished -= 1

    @invariant()
    def nothing_is_above_its_limit_or_below_nothing(self) -> None:
        usage = self.world.usage()
        assert 0 <= usage.bytes <= 1000
        assert 0 <= usage.conversions_per_day <= 5
        assert 0 <= usage.media_minutes_per_day <= 2 + 1e-9
        assert 0 <= usage.concurrent <= 3


TestUploads = Uploads.TestCase


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000))
def test_an_upload_as_long_as_it_may_be_is_not_refused_for_its_length(
    used: int, limit: int, single: int
):
    quota, usage = Quota(bytes=limit, upload_bytes=single), Usage(bytes=used)
    most = most_bytes(quota, usage, 1500)
    assert 0 <= most <= 1500
    if most:
        assert find_excess(quota, usage, Ask(bytes=most)) is None
    if most < 1500:
        assert find_excess(quota, usage, Ask(bytes=most + 1))


def test_a_hold_that_has_ended_takes_no_room():
    hold = Hold("1", Ask(bytes=900), NOW)
    assert sum_up(Facts(bytes=50), [hold], NOW).bytes == 50
    assert sum_up(Facts(bytes=50), [hold], NOW - timedelta(seconds=1)).bytes == 950


@pytest.mark.parametrize(
    ("usage", "ask", "kind"),
    [
        (Usage(bytes=1000), Ask(), Kind.BYTES),
        (Usage(bytes=990), Ask(bytes=11), Kind.BYTES),
        (Usage(conversions_per_day=5), Ask(bytes=1), Kind.CONVERSIONS),
        (Usage(media_minutes_per_day=2), Ask(bytes=1), Kind.MINUTES),
        (Usage(media_minutes_per_day=1), Ask(bytes=1, seconds=61), Kind.MINUTES),
        (Usage(concurrent=3), Ask(bytes=1), Kind.CONCURRENT),
    ],
)
def test_the_quota_that_is_used_up_is_named(usage: Usage, ask: Ask, kind: Kind):
    excess = find_excess(QUOTA, usage, ask)
    assert excess is not None
    assert excess.kind is kind


def test_a_single_upload_has_a_limit_of_its_own():
    excess = find_excess(Quota(upload_bytes=10), Usage(), Ask(bytes=11))
    assert excess is not None
    assert excess.kind is Kind.UPLOAD


def test_who_has_several_roles_has_the_most_generous_of_each():
    some = [Quota(bytes=1, concurrent=5), Quota(bytes=2, concurrent=None)]
    assert widest(some).bytes == 2
    assert widest(some).concurrent is None
    assert widest([]) == Quota()


def test_a_quota_is_written_in_camel_case_and_nothing_else_is_one():
    assert msgspec.json.decode(b'{"conversionsPerDay": 5}', type=Quota).conversions_per_day == 5
    for wrong in (b'{"conversions": 5}', b'{"bytes": -1}', b'{"bytes": "1"}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=Quota)


def test_of_several_files_the_largest_counts_as_one_and_all_of_them_as_stored():
    quota = Quota(bytes=100, upload_bytes=60)
    assert find_excess(quota, Usage(), Ask(bytes=100, largest=60)) is None
    excess = find_excess(quota, Usage(), Ask(bytes=80, largest=61))
    assert excess is not None
    assert excess.kind is Kind.UPLOAD
    excess = find_excess(quota, Usage(), Ask(bytes=101, largest=51))
    assert excess is not None
    assert excess.kind is Kind.BYTES
    assert most_bytes(quota, Usage(bytes=10), 1000) == 60
    assert most_bytes(quota, Usage(bytes=10), 1000, several=True) == 90
