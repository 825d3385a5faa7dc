"""Claims about the Lease: candidates whose clocks agree in nothing, at the mercy of the network."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from soundstrip_operator.lease import (
    NOBODY,
    Candidacy,
    Claim,
    GiveUp,
    Look,
    Record,
    Wait,
    decide,
    describe_lack,
    describe_standby,
)

_DURATION = 45.0
_STEPS = (0.0, 1.0, 8.0, 15.5, 22.0, 29.0, 46.0)
_NAMES = st.sampled_from("ab")
_INSTALLS = st.sampled_from(["one", "other"])
_ORDERS = st.sampled_from(["a", "b", "ab", "ba"])
_FATES = st.sampled_from(["answered", "answered", "answered late", "answer lost", "arrives late"])
_SPEEDS = st.floats(0.85, 1.2)


@dataclass
class Candidate:
    """A process with a clock of its own, which began anywhere and goes at its own speed."""

    started: float
    speed: float
    candidacy: Candidacy
    is_frozen: bool = False
    sent: list[tuple[float, Record | None]] = field(default_factory=list)
    """Claims on their way: when they were sent by its own clock, and what they would replace."""
    answers: list[tuple[float, Record]] = field(default_factory=list)
    """Answers on their way: when the claim was sent, and what came of it."""
    told: list[Record] = field(default_factory=list)
    """What the watch has still to tell."""

    def clock(self, now: float) -> float:
        return self.started + self.speed * now


class Candidates(RuleBasedStateMachine):
    """True time goes in steps. A claim, its answer and the watch may come at any later moment."""

    @initialize(
        starts=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
        speed=_SPEEDS,
        install=_INSTALLS,
    )
    def start(self, starts: tuple[float, float], speed: float, install: str) -> None:
        self.now = 0.0
        self.lease: Record | None = None
        self.ended: set[str] = set()
        self.candidates = {
            name: Candidate(started, of_clock, Candidacy(name, of_install, _DURATION))
            for name, started, of_clock, of_install in zip(
                "ab", starts, (speed, 1.0), ("one", install), strict=True
            )
        }

    @rule(seconds=st.sampled_from(_STEPS) | st.floats(0, 20), names=_ORDERS, fate=_FATES)
    def time_goes(self, seconds: float, names: str, fate: str) -> None:
        self.now += seconds
        for name in names:
            while self.turn(name, fate):
                pass

    @rule(name=_NAMES)
    def freeze_or_wake(self, name: str) -> None:
        one = self.candidates[name]
        one.is_frozen = not one.is_frozen

    def turn(self, name: str, fate: str) -> bool:
        """Let a candidate do one thing; say whether it may have more to do now."""
        one = self.candidates[name]
        if one.is_frozen or name in self.ended or one.sent:
            return False
        now = one.clock(self.now)
        match decide(one.candidacy, now):
            case Look():
                one.candidacy = one.candidacy.see(self.lease, now)
                return True
            case Claim():
                one.sent.append((now, one.candidacy.record))
                one.candidacy = one.candidacy.doubt()
                self.decide_fate(name, fate)
            case GiveUp():
                self.ended.add(name)
            case Wait(seconds):
                assert 0 < seconds <= _DURATION
        return False

    def decide_fate(self, name: str, fate: str) -> None:
        if fate == "arrives late":
            return
        self.a_claim_arrives(name)
        if fate == "answered":
            self.an_answer_arrives(name)
        elif fate == "answer lost":
            self.candidates[name].answers.clear()

    @rule(name=_NAMES)
    def a_claim_arrives(self, name: str) -> None:
        one = self.candidates[name]
        if not one.sent:
            return
        sent, replaced = one.sent.pop(0)
        if self.lease == replaced:
            version = 1 if self.lease is None else self.lease.version + 1
            install = one.candidacy.install
            assert self.lease is None or self.lease.install == install
            self.lease = Record(version, name, _DURATION, install=install)
            one.answers.append((sent, self.lease))
            for other in self.candidates.values():
                other.told.append(self.lease)

    @rule(name=_NAMES)
    def an_answer_arrives(self, name: str) -> None:
        one = self.candidates[name]
        if one.answers and not one.is_frozen:
            sent, record = one.answers.pop(0)
            one.candidacy = one.candidacy.renew(record, sent, one.clock(self.now))

    @rule(name=_NAMES)
    def the_watch_tells(self, name: str) -> None:
        one = self.candidates[name]
        if one.told and not one.is_frozen:
            one.candidacy = one.candidacy.hear(one.told.pop(0), one.clock(self.now))

    @invariant()
    def one_at_most_may_act(self) -> None:
        """The frozen count too: they could wake at this moment."""
        assert sum(one.candidacy.holds(one.clock(self.now)) for one in self.candidates.values()) < 2


Candidates.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestCandidates = Candidates.TestCase


def candidacy(holder: str | None = "a", version: int = 1) -> Candidacy:
    """What `a` knows that looked at the Lease at 100 s."""
    record = None if holder is None else Record(version, holder, _DURATION)
    return Candidacy("a", "one", _DURATION).see(record, 100.0)


def holder(*, renewed_at: float = 100.0) -> Candidacy:
    return candidacy(None).renew(Record(1, "a", _DURATION), renewed_at, renewed_at)


@pytest.mark.parametrize("free", [None, NOBODY])
def test_a_free_lease_is_claimed_at_once(free: str | None):
    assert decide(candidacy(free), 100.0) == Claim()


def test_the_lease_of_another_is_looked_at_and_claimed_only_when_it_has_stood_still():
    standing_by = candidacy("b")
    assert decide(standing_by, 101.0) == Wait(14.0)
    assert decide(standing_by, 115.0) == Look()
    renewed = standing_by.see(Record(2, "b", _DURATION), 140.0)
    assert decide(renewed, 146.0) == Wait(9.0)
    unchanged = renewed.see(Record(2, "b", _DURATION), 180.0)
    assert decide(unchanged, 185.0) == Claim()


def test_a_holder_renews_three_times_in_a_duration_and_trusts_its_hold_for_two_thirds_of_it():
    held = holder()
    assert decide(held, 101.0) == Wait(14.0)
    assert decide(held, 115.0) == Claim()
    assert held.holds(129.9)
    assert not held.holds(130.0)


def test_a_pods_next_container_claims_its_lease_at_once_and_does_not_act_before_it_has():
    reborn = candidacy("a")
    assert decide(reborn, 100.0) == Claim()
    assert not reborn.holds(100.0)


@pytest.mark.parametrize("other", [None, NOBODY, "b"])
def test_who_held_the_lease_and_finds_another_word_in_it_ends(other: str | None):
    record = None if other is None else Record(2, other, _DURATION)
    lost = holder().see(record, 105.0)
    assert not lost.holds(105.0)
    assert isinstance(decide(lost, 105.0), GiveUp)


def test_an_answer_that_comes_after_the_news_of_another_holder_gives_no_hold():
    overtaken = holder().hear(Record(3, "b", _DURATION), 105.0)
    late = overtaken.renew(Record(2, "a", _DURATION), 104.0, 106.0)
    assert not late.holds(106.0)
    assert isinstance(decide(late, 106.0), GiveUp)


def test_renewals_that_never_come_back_are_an_illness_and_then_the_end():
    held, version = holder(), 1
    assert describe_lack(held, 100.0) == ""
    for now in range(115, 235, 15):
        version += 1
        held = held.renew(Record(version, "a", _DURATION), now, now)
    assert "9 renewals" in describe_lack(held, 220.0)
    assert decide(held, 220.0) == Wait(15.0 - (220.0 - 220.0))
    silent = held.renew(Record(version + 1, "a", _DURATION), 235.0, 235.0)
    assert isinstance(decide(silent, 235.0), GiveUp)
    heard = silent.hear(Record(version + 1, "a", _DURATION), 236.0)
    assert describe_lack(heard, 236.0) == ""
    assert decide(heard, 236.0) == Wait(14.0)


def test_an_api_server_that_is_away_for_long_is_an_illness_and_not_the_end():
    away = holder()
    assert "not renewed in time" in describe_lack(away, 5000.0)
    assert decide(away, 5000.0) == Claim()


def test_a_standby_says_who_acts_and_is_well_while_it_sees_the_lease():
    standing_by = candidacy("b")
    assert "b acts" in describe_standby(standing_by)
    assert describe_lack(standing_by, 120.0) == ""
    assert "could not be looked at" in describe_lack(standing_by, 146.0)
    assert describe_standby(holder()) == ""


def test_a_lease_that_nobody_has_yet_is_missing():
    fresh = Candidacy("a", "one", _DURATION)
    assert decide(fresh, 0.0) == Look()
    for nobodys in (fresh, candidacy(None), candidacy(NOBODY)):
        assert "not been taken" in describe_lack(nobodys, 100.0)
        assert describe_standby(nobodys) == ""


def test_what_is_known_to_have_changed_is_looked_at_first():
    assert decide(replace(holder(), is_outdated=True), 101.0) == Look()


def foreign(holder: str = "b", version: int = 1) -> Record:
    return Record(version, holder, _DURATION, install="other")


@pytest.mark.parametrize("holder", ["a", "b", NOBODY])
def test_the_lease_of_another_installation_is_never_claimed(holder: str):
    standing_by = candidacy(None).see(foreign(holder), 100.0)
    assert not standing_by.holds(100.0)
    assert decide(standing_by, 101.0) == Wait(14.0)
    assert decide(standing_by, 5000.0) == Look()
    unchanged = standing_by.see(foreign(holder), 5000.0)
    assert decide(unchanged, 5001.0) == Wait(14.0)
    assert "the installation other" in describe_standby(unchanged)


@pytest.mark.parametrize("holder", ["b", NOBODY])
def test_a_lease_that_another_installation_has_left_is_a_lack_that_a_person_can_end(holder: str):
    standing_by = candidacy(None).see(foreign(holder), 100.0)
    assert describe_lack(standing_by, 144.0) == ""
    assert "could not be looked at" in describe_lack(standing_by, 146.0)
    unchanged = standing_by.see(foreign(holder), 146.0)
    assert "delete the Lease" in describe_lack(unchanged, 146.0)
    deleted = unchanged.see(None, 200.0)
    assert decide(deleted, 200.0) == Claim()


def test_a_lease_that_names_no_installation_is_anybodys():
    body = {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": None}}
    assert Record.parse(body) == Record(7, NOBODY, 0.0)
    assert decide(candidacy(None).see(Record.parse(body), 100.0), 100.0) == Claim()
