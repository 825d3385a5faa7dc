from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.audio import Bitrate, Format
from soundstrip_crds.job import CONTENT_TYPES, FileType
from soundstrip_worker.formats import ENCODERS, FILES, fitting_rate, opus_bitrate, vorbis_quality


def test_every_format_and_every_kind_of_file_is_known():
    assert {*ENCODERS, "original"} == {*get_args(Format)}
    assert FILES.keys() == CONTENT_TYPES.keys() == {*get_args(FileType)}


@pytest.mark.parametrize(
    ("bitrate", "channels", "quality"),
    [
        ("128k", 2, 4),
        ("160k", 2, 5),
        ("320k", 2, 9),
        ("32k", 2, -1),
        ("48k", 1, 0),
        ("320k", 1, 10),
    ],
)
def test_a_vorbis_quality_has_the_bit_rate_that_is_asked_for(
    bitrate: Bitrate, channels: int, quality: float
):
    assert vorbis_quality(bitrate, channels) == quality


@given(st.sampled_from(get_args(Bitrate)), st.integers(1, 8))
def test_a_vorbis_quality_is_one_that_there_is(bitrate: Bitrate, channels: int):
    assert -1 <= vorbis_quality(bitrate, channels) <= 10


@pytest.mark.parametrize(
    ("bitrate", "channels", "fitting"),
    [("320k", 1, "256k"), ("320k", 2, "320k"), ("96k", 1, "96k")],
)
def test_opus_has_a_limit_for_each_channel(bitrate: Bitrate, channels: int, fitting: str):
    assert opus_bitrate(bitrate, channels) == fitting


@given(st.sampled_from(sorted(ENCODERS)), st.integers(1, 200_000))
def test_a_rate_is_lowered_only_to_the_highest(audio: Format, rate: int):
    encoder = ENCODERS[audio]
    fitting = fitting_rate(encoder, rate)
    assert fitting
    assert fitting >= rate or fitting == encoder.rates[-1]
