"""Claims about what the words of an output mean."""

import msgspec
import pytest

from soundstrip_crds.audio import Output, ResolvedOutput


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ({}, {"format": "mp3", "bitrate": "192k"}),
        ({"format": "mp3"}, {"format": "mp3", "bitrate": "192k"}),
        ({"bitrate": "320k"}, {"format": "mp3", "bitrate": "320k"}),
        ({"quality": "V2"}, {"format": "mp3", "quality": "V2"}),
    ],
)
def test_what_an_output_leaves_open_has_a_default(words: object, meaning: object):
    resolved = msgspec.convert(words, Output).resolve()
    assert resolved == msgspec.convert(meaning, ResolvedOutput)
