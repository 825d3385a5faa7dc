"""Claims about what passes between the operator and a conversion's pod."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.conversion import ContentType, MeasuredLoudness, Result, Track
from soundstrip_crds.job import (
    CONTENT_TYPES,
    TERMINATION_MESSAGE_LIMIT,
    ConverterReport,
    FileType,
    MoverReport,
    ProgressPost,
    Stages,
    Unreadable,
    progress_path,
    progress_token,
    read_message,
)

KEY = b"k" * 32
attempts = st.tuples(st.uuids().map(str), st.integers(1, 99), st.integers(1, 99))


@given(st.lists(attempts, min_size=2, max_size=2, unique=True))
def test_a_token_is_worth_one_try_and_no_other(two: list[tuple[str, int, int]]):
    assert progress_token(KEY, *two[0]) != progress_token(KEY, *two[1])
    assert progress_path(*two[0]) != progress_path(*two[1])


def test_a_token_is_worth_nothing_under_another_key():
    assert progress_token(KEY, "u", 1, 1) != progress_token(b"x" * 32, "u", 1, 1)


def test_the_largest_result_fits_a_termination_message():
    result = Result(
        file_id="f" * 24,
        filename="\N{GRINNING FACE}" * 255,
        size=2**53,
        sha256="0" * 64,
        content_type="x" * 127,
        duration_seconds=1e9 / 3,
        bitrate=2**53,
        loudness=MeasuredLoudness(integrated=-100 / 3, true_peak=-200 / 3),
    )
    now = datetime.now(UTC)
    stages = Stages(started=now, fetched=now, converted=now, stored=now)
    report = MoverReport(result=result, stages=stages)
    assert len(msgspec.json.encode(report)) <= TERMINATION_MESSAGE_LIMIT


@pytest.mark.parametrize(
    "body",
    [
        b'{"reason":"Nonsense"}',
        b'{"reason":"Converting","progress":{"percent":-1}}',
        b'{"reason":"Converting","progress":{"percent":"5"}}',
        b'{"reason":"Converting","media":{}}',
    ],
)
def test_what_is_out_of_bounds_is_not_parsed(body: bytes):
    with pytest.raises(Unreadable):
        read_message(body, ProgressPost)


def claim(**track: object) -> bytes:
    tracks = [{"index": 0, "codec": "aac", **track}]
    return msgspec.json.encode({"media": {"container": "mp4", "tracks": tracks}})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b'{"message":"\xff"}',
        b'{"message":"\\ud800"}',
        b'{"later":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"media":' * 2000,
        b'{"durationSeconds":NaN}',
        b'{"durationSeconds":-1}',
        b'{"durationSeconds":1e308}',
        b'{"durationSeconds":1e999}',
        claim(index=-1),
        claim(index=2**63),
        claim(channels=1e308),
        b'{"media":{"container":"x","tracks":[{"codec":"x","index":' + b"9" * 4000 + b"}]}}",
        b'{"media":{"container":"x","tracks":[' + b'{"codec":"x","index":0},' * 33 + b"]}}",
    ],
)
def test_a_liar_is_not_read(content: bytes):
    with pytest.raises(Unreadable):
        read_message(content, ConverterReport)


def test_two_tracks_of_one_index_are_refused_as_the_api_server_does():
    track = {"index": 0, "codec": "aac"}
    content = msgspec.json.encode({"media": {"container": "mp4", "tracks": [track, track]}})
    with pytest.raises(Unreadable):
        read_message(content, ConverterReport)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_message_is_read_or_unreadable(content: bytes | str):
    for kind in (ConverterReport, MoverReport, ProgressPost):
        with suppress(Unreadable):
            read_message(content, kind)


def test_unknown_fields_are_left_out_and_known_ones_are_checked():
    track = msgspec.json.decode(b'{"index":0,"codec":"aac","later":1}', type=Track)
    assert track == Track(index=0, codec="aac")


def test_a_converter_cannot_name_a_kind_of_file_that_there_is_not():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"fileType": "../html"}', type=ConverterReport)


def test_every_kind_of_file_has_a_content_type_that_fits_the_contract():
    assert CONTENT_TYPES.keys() == {*get_args(FileType)}
    for content_type in CONTENT_TYPES.values():
        msgspec.convert(content_type, ContentType)
