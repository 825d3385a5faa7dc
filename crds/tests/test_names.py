"""Claims about the names that pass between rooms."""

import re

from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.names import conversion_name, job_name

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

file_ids = st.text("0123456789abcdef", min_size=24, max_size=24)
suffixes = st.just("") | st.text("0123456789abcdef", min_size=8, max_size=8).map("-{}".format)
uids = st.uuids().map(str)
numbers = st.integers(1, 999)


@given(file_id=file_ids, suffix=suffixes, uid=uids, run=numbers, number=numbers)
def test_a_jobs_name_is_a_valid_label(file_id: str, suffix: str, uid: str, run: int, number: int):
    name = job_name(conversion_name(file_id) + suffix, uid, run, number)
    assert LABEL.fullmatch(name)


@given(file_id=file_ids, uids=st.lists(uids, min_size=2, max_size=2, unique=True), run=numbers)
def test_a_conversion_that_is_made_anew_never_meets_an_old_job(
    file_id: str, uids: list[str], run: int
):
    name = conversion_name(file_id)
    assert job_name(name, uids[0], run, 1) != job_name(name, uids[1], run, 1)


@given(file_id=file_ids, uid=uids, tries=st.lists(numbers, min_size=2, max_size=2, unique=True))
def test_each_try_has_a_job_of_its_own(file_id: str, uid: str, tries: list[int]):
    name = conversion_name(file_id)
    assert job_name(name, uid, 1, tries[0]) != job_name(name, uid, 1, tries[1])
    assert job_name(name, uid, tries[0], 1) != job_name(name, uid, tries[1], 1)


def test_one_source_has_one_conversion_by_name():
    assert conversion_name("0" * 24) == "vc-" + "0" * 24
