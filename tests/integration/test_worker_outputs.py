"""Every output, made by the real worker and judged by an independent decoder."""

import json
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.media import SAMPLE_RATE, correlate
from tests.sources import (
    CHAPTERS,
    RATE,
    TAGS,
    Samples,
    decode,
    make_film,
    make_plain,
    noise,
    write_wav,
)
from tests.worker import Bench, download

from soundstrip_crds.audio import Loudness, Output, Tags, TrackChoice, Trim
from soundstrip_crds.conversion import Media, Result
from soundstrip_crds.job import CONTENT_TYPES, ExitCode

FRAME = 1152 / RATE
"""Seconds of a frame of MP3, the longest that there is."""

MP3_DECODER_DELAY = 529
"""Samples that are skipped of an MP3 with a header, and are not of one in a video."""


@dataclass(frozen=True)
class Made:
    path: Path
    result: Result
    media: Media


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", "-c:a", "aac", "-b:a", "160k")


@pytest.fixture(scope="module")
def lossless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mkv", "-c:a", "pcm_s16le")


def convert(bench: Bench, source: Path, output: Output, **plan: Any) -> Made:
    pod = bench.pod(source, output=output, **plan)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs() + str(pod.converter_report())
    report = pod.mover_report()
    assert report.result
    assert report.media
    path = source.parent / f"{pod.plan.source.file_id}-{report.result.filename}"
    download(bench.database, pod.plan, path)
    return Made(path, report.result, report.media)


def probe(path: Path) -> dict[str, Any]:
    entries = ["-show_format", "-show_streams", "-show_chapters", "-of", "json"]
    command = ["ffprobe", "-v", "error", *entries, str(path)]
    told = subprocess.run(command, check=True, capture_output=True, timeout=100).stdout
    answer: dict[str, Any] = json.loads(told)
    return answer


def words_of(answer: dict[str, Any]) -> dict[str, str]:
    tags = answer["format"].get("tags", {}) | answer["streams"][0].get("tags", {})
    return {key.lower(): text for key, text in tags.items()}


def assert_same(one: Samples, other: Samples, *, frames: float = 1.0, shift: int = 0) -> None:
    assert abs(len(one) - len(other)) / RATE <= frames * FRAME
    likeness, offset = correlate(one[:, 0], other[:, 0])
    assert likeness >= 0.99
    assert abs(round(offset * SAMPLE_RATE)) <= shift, "not gapless"


FORMATS = [
    pytest.param(Output(format="mp3"), "film.mp3", "mp3", id="mp3"),
    pytest.param(Output(format="mp3", quality="V2"), "film.mp3", "mp3", id="mp3 variable"),
    pytest.param(Output(format="m4a", bitrate="128k"), "film.m4a", "aac", id="m4a"),
    pytest.param(Output(format="opus"), "film.opus", "opus", id="opus"),
    pytest.param(Output(format="ogg"), "film.ogg", "vorbis", id="ogg"),
    pytest.param(Output(format="flac"), "film.flac", "flac", id="flac"),
    pytest.param(Output(format="wav"), "film.wav", "pcm_s16le", id="wav"),
    pytest.param(Output(format="wav", bit_depth=24), "film.wav", "pcm_s24le", id="wav 24"),
    pytest.param(Output(format="alac", preset="fast"), "film.m4a", "alac", id="alac"),
    pytest.param(Output(format="original"), "film.m4a", "aac", id="original"),
]


@pytest.mark.parametrize(("output", "filename", "codec"), FORMATS)
def test_every_format_is_the_same_sound_from_its_first_sample_on(
    bench: Bench, film: Path, output: Output, filename: str, codec: str
):
    made = convert(bench, film, output)
    assert_same(decode(film), decode(made.path))
    answer = probe(made.path)
    result = made.result
    assert answer["streams"][0]["codec_name"] == codec
    assert (result.filename, result.copied) == (filename, output.format == "original")
    assert result.content_type == CONTENT_TYPES[filename.partition(".")[2]]  # type: ignore[index]
    assert result.duration_seconds == pytest.approx(4, abs=FRAME)
    assert words_of(answer).items() >= TAGS.items()
    if output.format != "wav":
        told = [(float(c["start_time"]), c["tags"]["title"]) for c in answer["chapters"]]
        assert told == [(start, title) for start, _, title in CHAPTERS]
    covers = [each["codec_name"] for each in answer["streams"] if each["codec_type"] == "video"]
    assert covers == ([] if output.format in {"opus", "ogg", "wav"} else ["png"])


@pytest.mark.parametrize("audio", ["flac", "mp3", "m4a", "opus", "ogg"])
def test_a_part_of_the_track_that_is_meant_is_exact_to_the_sample(
    bench: Bench, lossless: Path, audio: Any
):
    trim = Trim(start=1.23456, duration=1.5)
    output = Output(format=audio, track=TrackChoice(language="ENG"), trim=trim, cover_art=False)
    made = convert(bench, lossless, output)
    start, length = round(1.23456 * RATE), round(1.5 * RATE)
    whole = decode(lossless, track=1)
    part = whole[start : start + length]
    got = decode(made.path)
    if audio == "flac":
        assert np.array_equal(part, got)
    assert abs(len(part) - len(got)) / RATE <= FRAME
    assert np.corrcoef(part[:, 0], got[:length, 0])[0, 1] >= 0.99
    chapters = probe(made.path)["chapters"]
    assert [chapter["tags"]["title"] for chapter in chapters] == ["Two", "Three"]
    assert float(chapters[1]["start_time"]) == pytest.approx(2.5 - 1.23456, abs=0.002)


def test_a_copy_is_cut_at_its_packets(bench: Bench, film: Path):
    made = convert(bench, film, Output(format="original", trim=Trim(start=1, duration=2)))
    assert made.result.copied
    assert made.result.duration_seconds == pytest.approx(2, abs=2 * FRAME)


def test_what_is_asked_for_already_is_copied_bit_by_bit(bench: Bench, film: Path):
    aac = convert(bench, film, Output(format="m4a", metadata=Tags(title="New", track="3")))
    assert aac.result.copied
    assert np.array_equal(decode(film), decode(aac.path))
    assert words_of(probe(aac.path)).items() >= (TAGS | {"title": "New", "track": "3"}).items()


def test_a_track_that_is_not_there_is_no_audio_track(bench: Bench, film: Path):
    pod = bench.pod(film, output=Output(track=TrackChoice(language="fra")))
    assert pod.run() == (ExitCode.PEER_LOST, ExitCode.NO_AUDIO_TRACK), pod.logs()
    assert pod.converter_report().message == (
        "There is no audio track in fra; there are 0 (aac, deu), 1 (aac, eng)."
    )


def test_a_part_beyond_the_end_is_no_audio_track(bench: Bench, film: Path):
    pod = bench.pod(film, output=Output(trim=Trim(start=5)))
    assert pod.run() == (ExitCode.PEER_LOST, ExitCode.NO_AUDIO_TRACK), pod.logs()


def test_six_channels_become_two_as_bs_775_says(bench: Bench, tmp_path: Path):
    seconds, tones = 2, (300, 500, 700, 50, 1100, 1300)
    time = np.arange(seconds * RATE) / RATE
    loud = np.stack([np.sin(2 * np.pi * tone * time) for tone in tones], axis=1)
    source = write_wav(tmp_path / "surround.wav", loud.astype(np.float32))
    made = convert(bench, source, Output(format="flac", channels="stereo"))
    left = decode(made.path, channels=2)[:, 0]
    strengths = [2 * abs(np.mean(left * np.exp(-2j * np.pi * tone * time))) for tone in tones]
    share = 1 / (1 + 2 * 2**-0.5)
    half = share * 2**-0.5
    assert strengths == pytest.approx([share, 0, half, 0, half, 0], abs=0.01)
    assert np.abs(left).max() < 1


def test_more_than_16_bits_stay_24(bench: Bench, tmp_path: Path):
    source = write_wav(tmp_path / "fine.wav", noise(1, seed=2), codec="pcm_s24le")
    made = convert(bench, source, Output(format="flac"))
    assert np.array_equal(decode(source, channels=2), decode(made.path, channels=2))
    copied = convert(bench, source, Output(format="wav", bit_depth=24), uid="again")
    assert copied.result.copied


@pytest.mark.parametrize(
    ("target", "audio", "spiky"),
    [(-23, "mp3", False), (-16, "opus", False), (-14, "flac", True)],
    ids=["by gain", "by gain to opus", "by limiter"],
)
def test_the_loudness_is_brought_to_its_target(
    bench: Bench, tmp_path: Path, target: float, audio: Any, *, spiky: bool
):
    samples = noise(5, seed=3) * 0.3
    if spiky:
        samples[:: RATE // 2] = 0.9
    source = write_wav(tmp_path / "quiet.wav", samples)
    wanted = Loudness(target=target, true_peak=-1)
    made = convert(bench, source, Output(format=audio, loudness=wanted))
    integrated, peak = measure(made.path)
    assert integrated == pytest.approx(target, abs=0.5)
    assert peak <= -1 + 0.5
    assert made.result.duration_seconds == pytest.approx(5, abs=FRAME)


def restless(seconds: int) -> Samples:
    """Return noise that swells and fades by 18 dB: its loudness range is 14 LU."""
    time = np.arange(seconds * RATE) / RATE
    swell = 10 ** (-9 / 20 * (1 - np.cos(2 * np.pi * time / 5)))
    return (noise(seconds, seed=5) * swell[:, None]).astype(np.float32)


def voice(seconds: int) -> Samples:
    """Return syllables of sharp pulses with pauses between them, all far below a single clap."""
    time = np.arange(seconds * RATE) / RATE
    pulses = sum(np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 3.7 * time), 0, 1) * (time % 4 < 2.9)
    samples = np.repeat((0.03 * pulses * syllables)[:, None], 2, axis=1)
    samples[2 * RATE : 2 * RATE + 400] = 0.95 * np.sign(samples[:400] + 1e-9)
    return samples.astype(np.float32)


def beats(seconds: int) -> Samples:
    """Return hard strokes over a soft ground: all of the spectrum, and no room above."""
    time = np.arange(seconds * RATE) / RATE
    strokes = np.exp(-60 * (time % 0.5))[:, None]
    raw = np.random.default_rng(6).normal(size=(len(time), 2)) * strokes
    return (0.9 * raw / np.abs(raw).max() + noise(seconds, seed=7) * 0.1).astype(np.float32)


@pytest.mark.parametrize(
    ("sound", "audio", "bitrate", "target"),
    [
        (restless, "flac", None, -10),
        (restless, "mp3", "64k", -12),
        (voice, "opus", None, -12),
        (beats, "flac", None, -12),
        (beats, "mp3", "192k", -14),
    ],
)
def test_a_hard_pushed_limiter_keeps_target_and_true_peak(
    bench: Bench,
    tmp_path: Path,
    sound: Callable[[int], Samples],
    audio: Any,
    bitrate: Any,
    target: float,
):
    source = write_wav(tmp_path / "source.wav", sound(8))
    output = Output(format=audio, bitrate=bitrate, loudness=Loudness(target=target, true_peak=-1))
    made = convert(bench, source, output)
    integrated, peak = measure(made.path)
    assert integrated == pytest.approx(target, abs=0.5)
    assert peak <= -1 + (0.2 if audio == "flac" else 0.7)
    assert made.result.duration_seconds == pytest.approx(8, abs=FRAME)
    told = made.result.loudness
    assert told
    assert (told.integrated, told.true_peak) == (
        pytest.approx(integrated, abs=0.2),
        pytest.approx(peak, abs=0.2),
    )


@pytest.mark.parametrize("audio", ["flac", "mp3"])
def test_what_cannot_be_loud_keeps_its_true_peak_and_says_how_loud_it_is(
    bench: Bench, tmp_path: Path, audio: Any
):
    clicks = np.zeros((4 * RATE, 2), np.float32)
    clicks[:: RATE // 2] = 0.9
    source = write_wav(tmp_path / "clicks.wav", clicks)
    made = convert(bench, source, Output(format=audio, loudness=Loudness(target=-10)))
    integrated, peak = measure(made.path)
    assert peak <= -1 + 0.7
    told = made.result.loudness
    assert told
    assert told.integrated == pytest.approx(integrated, abs=0.2)
    assert told.integrated < -20


def test_silence_has_no_loudness(bench: Bench, tmp_path: Path):
    source = write_wav(tmp_path / "silence.wav", np.zeros((RATE, 2), np.float32))
    made = convert(bench, source, Output(loudness=Loudness()))
    assert made.result.loudness is None


def measure(path: Path) -> tuple[float, float]:
    meter = ["-map", "0:a:0", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
    command = ["ffmpeg", "-nostdin", "-nostats", "-i", str(path), *meter]
    log = subprocess.run(command, check=True, capture_output=True, timeout=100).stderr.decode()
    summary = log[log.rindex("Summary:") :]
    found = re.search(r"I:\s+(\S+) LUFS.*Peak:\s+(\S+) dBFS", summary, re.S)
    assert found
    return float(found[1]), float(found[2])


_VIDEO = ("-c:v", "mpeg2video")
SOURCES = [
    ("ts", (*_VIDEO, "-c:a", "mp2"), "mpegts", "mp2"),
    ("mpg", (*_VIDEO, "-c:a", "ac3"), "mpeg", "ac3"),
    ("3gp", ("-c:v", "h263", "-s", "176x144", "-c:a", "aac"), "mp4", "aac"),
    ("ogv", ("-c:v", "libtheora", "-c:a", "libvorbis"), "ogg", "vorbis"),
    (
        "mp4",
        ("-c:v", "mpeg4", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
        "mp4",
        "aac",
    ),
    ("mov", ("-c:v", "mpeg4", "-c:a", "aac", "-movflags", "faststart"), "mov", "aac"),
    ("aac", ("-c:a", "aac"), "aac", "aac"),
    ("mp3", ("-c:a", "libmp3lame"), "mp3", "mp3"),
    ("opus", ("-c:a", "libopus"), "ogg", "opus"),
    ("flac", ("-c:a", "flac"), "flac", "flac"),
    ("m4a", ("-c:a", "alac"), "mp4", "alac"),
    ("aiff", ("-c:a", "pcm_s16be"), "aiff", "pcm_s16be"),
    ("w64", ("-c:a", "pcm_s16le"), "w64", "pcm_s16le"),
    ("caf", ("-c:a", "pcm_s16be"), "caf", "pcm_s16be"),
    ("au", ("-c:a", "pcm_s16be"), "au", "pcm_s16be"),
    ("ac3", ("-c:a", "ac3"), "ac3", "ac3"),
    ("eac3", ("-c:a", "eac3"), "eac3", "eac3"),
]


@pytest.mark.parametrize(("extension", "options", "container", "codec"), SOURCES)
def test_every_source_is_read_and_described(
    bench: Bench,
    tmp_path: Path,
    extension: str,
    options: tuple[str, ...],
    container: str,
    codec: str,
):
    source = make_plain(tmp_path / f"source.{extension}", options, seconds=2)
    made = convert(bench, source, Output(format="flac"))
    assert_same(decode(source), decode(made.path), frames=2)
    (track,) = made.media.tracks
    assert (made.media.container, track.codec) == (container, codec)
    assert (track.channels, track.sample_rate) in {(2, RATE), (2, 48000)}
    assert made.media.duration_seconds == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    ("mark", "frame", "codec", "rate"),
    [(b"#!AMR\n", (0x3C, 31), "amr_nb", 8000), (b"#!AMR-WB\n", (0x44, 60), "amr_wb", 16000)],
)
@pytest.mark.parametrize("phone", [False, True])
def test_what_phones_recorded_is_read(
    bench: Bench,
    tmp_path: Path,
    mark: bytes,
    frame: tuple[int, int],
    codec: str,
    rate: int,
    phone: bool,  # noqa: FBT001 - a parameter of the test
):
    """No encoder of AMR is at hand; any bits make frames (RFC 4867, section 5.3)."""
    head, size = frame
    bits = random.Random(7)  # noqa: S311 - noise
    source = tmp_path / "source.amr"
    source.write_bytes(mark + b"".join(bytes([head]) + bits.randbytes(size) for _ in range(100)))
    if phone:
        source = remux(source, tmp_path / "source.3gp")
    made = convert(bench, source, Output(format="flac"))
    assert_same(decode(source).clip(-1, 1), decode(made.path), frames=2)  # noise is loud
    (track,) = made.media.tracks
    assert (track.codec, track.channels, track.sample_rate) == (codec, 1, rate)
    assert made.result.duration_seconds == pytest.approx(2, abs=0.02)


def remux(source: Path, target: Path) -> Path:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(source), "-c", "copy", str(target)]
    subprocess.run(command, check=True, timeout=100)
    return target


@pytest.mark.parametrize(
    ("extension", "options", "filename"),
    [
        ("ts", (*_VIDEO, "-c:a", "ac3"), "source.mka"),
        ("wmv", ("-c:v", "wmv2", "-c:a", "wmav2"), "source.mka"),
        ("ts", (*_VIDEO, "-c:a", "aac"), "source.m4a"),
        ("webm", ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "source.opus"),
        ("avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame"), "source.mp3"),
        ("mov", ("-c:v", "mpeg4", "-c:a", "pcm_s16le"), "source.wav"),
    ],
)
def test_an_original_is_kept_in_a_file_that_fits(
    bench: Bench, tmp_path: Path, extension: str, options: tuple[str, ...], filename: str
):
    source = make_plain(tmp_path / f"source.{extension}", options, seconds=2)
    made = convert(bench, source, Output(format="original"))
    assert (made.result.filename, made.result.copied) == (filename, True)
    assert_same(decode(source), decode(made.path), frames=2, shift=MP3_DECODER_DELAY)
