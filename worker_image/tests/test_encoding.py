from pathlib import Path

import pytest

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.encoding import encoding_arguments

USUAL = ResolvedOutput(format="mp3", bitrate="192k")


def arguments(output: ResolvedOutput) -> list[str]:
    return encoding_arguments(
        Path("/conversion/source/media"),
        Demuxer.MOV,
        output,
        result=Path("/conversion/output/result"),
        progress=Path("/conversion/output/progress"),
        most_bytes=1000,
    )


def value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


@pytest.mark.parametrize("bitrate", ["128k", "192k", "320k"])
def test_a_bit_rate_is_constant(bitrate: str):
    words = arguments(ResolvedOutput(format="mp3", bitrate=bitrate))  # type: ignore[arg-type]
    assert value(words, "-b:a") == bitrate
    assert "-q:a" not in words


@pytest.mark.parametrize("number", range(10))
def test_a_quality_is_lames(number: int):
    words = arguments(ResolvedOutput(format="mp3", quality=f"V{number}"))  # type: ignore[arg-type]
    assert value(words, "-q:a") == str(number)
    assert "-b:a" not in words


def test_only_the_first_audio_track_is_touched():
    words = arguments(USUAL)
    options = words[: words.index("-i")]
    assert {"-vn", "-sn", "-dn"} <= set(options)
    assert value(words, "-map") == "0:a:0"


def test_the_input_is_bound_to_its_demuxer_protocols_and_codecs():
    words = arguments(USUAL)
    options = words[: words.index("-i")]
    assert value(options, "-f") == "mov"
    assert value(options, "-protocol_whitelist") == "file,pipe,fd"
    assert "h264" not in value(options, "-codec_whitelist")


def test_ffmpeg_reads_no_terminal_and_stops_at_the_bound():
    words = arguments(USUAL)
    assert "-nostdin" in words
    assert value(words, "-fs") == "1000"
    assert value(words, "-progress") == "file:/conversion/output/progress"
