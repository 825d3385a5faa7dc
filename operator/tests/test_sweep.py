"""Claims about what a sweep may take, for any blob at any time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bson import ObjectId
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.conversions import FILE_ID, conversion

from soundstrip_operator.sweep import (
    Fate,
    Needs,
    SweepPolicy,
    is_past_retention,
    is_too_much,
    judge,
)
from soundstrip_storage.inventory import Blob
from soundstrip_storage.layout import Bucket

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = SweepPolicy(source_retention=5000.0, result_retention=6000.0)
DAY = timedelta(days=1)

uids = st.sampled_from(["u1", "u2", "u3"])
ids = st.sampled_from([ObjectId(FILE_ID), ObjectId("f" * 24)])
moments = st.integers(-100, 400_000).map(lambda seconds: NOW - timedelta(seconds=seconds))
blobs = st.builds(
    Blob,
    id=ids,
    bucket=st.sampled_from(Bucket),
    owner=st.just("ann"),
    complete=st.booleans(),
    stored_at=moments,
    users=st.lists(uids, unique=True).map(tuple),
    touched_at=st.none() | moments,
    marked_at=st.none() | moments,
)
needs = st.builds(
    Needs, uids=st.frozensets(uids), sources=st.frozensets(st.sampled_from([FILE_ID, "f" * 24]))
)


@given(blobs, needs)
def test_what_anybody_needs_is_neither_marked_nor_removed(blob: Blob, needs: Needs):
    assume(needs.uids & set(blob.users))
    assert judge(blob, needs, NOW, POLICY) in {Fate.KEEP, Fate.UNMARK}


@given(blobs, needs)
def test_only_what_was_unneeded_and_without_life_for_all_the_delay_goes(blob: Blob, needs: Needs):
    if judge(blob, needs, NOW, POLICY) is not Fate.REMOVE:
        return
    assert not needs.cover(blob)
    assert blob.marked_at is not None
    assert NOW - blob.marked_at >= DAY
    assert NOW - blob.stored_at >= timedelta(hours=1)
    if blob.touched_at is not None:
        assert NOW - blob.touched_at >= timedelta(hours=1)
        assert blob.touched_at <= blob.marked_at


@given(blobs, needs)
def test_what_nobody_needs_goes_by_the_second_sweep_a_day_later(blob: Blob, needs: Needs):
    then = NOW + DAY
    assume(not needs.cover(blob))
    assume(judge(blob, needs, then, POLICY) is not Fate.KEEP)
    marked = (
        replace(blob, marked_at=then) if judge(blob, needs, then, POLICY) is Fate.MARK else blob
    )
    assert judge(marked, needs, then + DAY, POLICY) in {Fate.REMOVE, Fate.UNMARK}


@given(blobs, needs)
def test_a_mark_does_not_outlive_its_cause(blob: Blob, needs: Needs):
    assume(needs.cover(blob))
    assert (judge(blob, needs, NOW, POLICY) is Fate.UNMARK) == (blob.marked_at is not None)


@given(blobs, needs)
def test_retention_takes_no_young_file_and_none_of_an_unfinished_conversion(
    blob: Blob, needs: Needs
):
    if not is_past_retention(blob, needs, NOW, POLICY):
        return
    assert not needs.cover(blob)
    least = 5000 if blob.bucket is Bucket.SOURCES else 6000
    assert NOW - blob.stored_at >= timedelta(seconds=least)
    assert not is_past_retention(blob, needs, NOW, SweepPolicy())


def test_a_source_is_needed_by_a_conversion_that_names_it_before_it_is_claimed():
    named = Needs.of([conversion()])
    source = Blob(ObjectId(FILE_ID), Bucket.SOURCES, "ann", complete=True, stored_at=NOW - DAY)
    assert judge(source, named, NOW, POLICY) is Fate.KEEP
    result = replace(source, bucket=Bucket.RESULTS, users=("u9",))
    assert judge(result, named, NOW, POLICY) is Fate.MARK
    awaited = Needs.of([], frozenset({FILE_ID}))
    assert judge(source, awaited, NOW, POLICY) is Fate.KEEP


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_brake_lets_ten_files_or_a_tenth_go(due: int, total: int):
    stopped = is_too_much(due, total, POLICY)
    assert stopped == (due > 10 and due > total / 10)
    everything = SweepPolicy(limit_percent=100)
    assert not is_too_much(min(due, total), total, everything)
