import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.job import CONTENT_TYPES, FileType
from soundstrip_worker.results import name_result


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("talk.mp4", "talk.mp3"),
        ("talk.2026.mov", "talk.2026.mp3"),
        ("talk", "talk.mp3"),
        (".mp4", ".mp4.mp3"),
    ],
)
def test_a_result_is_named_after_its_source(source: str, result: str):
    assert name_result(source, "mp3") == result


@pytest.mark.parametrize("file_type", CONTENT_TYPES)
def test_the_name_says_what_was_made(file_type: FileType):
    assert name_result("talk.mp4", file_type) == f"talk.{file_type}"


@given(st.text(min_size=1, max_size=255), st.sampled_from(sorted(CONTENT_TYPES)))
def test_a_name_is_never_too_long(source: str, file_type: FileType):
    assert len(name_result(source, file_type)) <= 255
