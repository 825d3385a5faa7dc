"""Segments encoded by real FFmpegs and joined: the bytes of one encode, to the last."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests import media
from tests.ffmpeg import built, shipped
from tests.worker import Bench, download

from soundstrip_crds.audio import Output, ResolvedOutput
from soundstrip_crds.job import ExitCode
from soundstrip_worker.answers import Probe, parse_probe
from soundstrip_worker.children import Children, Finished
from soundstrip_worker.demuxers import Container, Demuxer
from soundstrip_worker.encoding import Input, making_arguments
from soundstrip_worker.filters import chain
from soundstrip_worker.judgement import Ending
from soundstrip_worker.leaps import leap_to
from soundstrip_worker.loudness import Setting, level_filter
from soundstrip_worker.mp3.cuts import OVERLAP, TAIL, WARM_UP, Segment, Span
from soundstrip_worker.mp3.frames import frame_samples
from soundstrip_worker.mp3.recordings import Recording
from soundstrip_worker.parallel import Refused, Task, encode
from soundstrip_worker.places import Places
from soundstrip_worker.probing import ffprobe_arguments
from soundstrip_worker.progress import read_position
from soundstrip_worker.recipe import decide

Sound = NDArray[np.float64]
SECONDS = 24

OWN = pytest.mark.skipif(built("ffmpeg") is None, reason="no FFmpeg of our own was built")

_CODECS = {
    "wav": ("pcm_s16le", Demuxer.WAV),
    "mp4": ("aac", Demuxer.MOV),
    "mkv": ("libvorbis", Demuxer.MATROSKA),
    "aac": ("aac", Demuxer.AAC),
    "webm": ("libopus", Demuxer.MATROSKA),
    "mka": ("aac", Demuxer.MATROSKA),
}


def speech(t: Sound, chance: np.random.Generator) -> Sound:
    """Noise of a low pitch, in syllables, with pauses."""
    syllables = np.repeat(chance.uniform(0, 1, len(t) // 4000 + 1) ** 3, 4000)[: len(t)]
    noise = np.convolve(chance.normal(0, 1, len(t)), np.ones(30) / 30, "same")
    return syllables * noise


def music(t: Sound, chance: np.random.Generator) -> Sound:
    """Tones that swell and fade, of different lengths."""
    tones = zip(chance.uniform(80, 5000, 8), chance.uniform(0.2, 3, 8), strict=True)
    waves = (np.sin(2 * np.pi * f * t) * np.sin(2 * np.pi * t / d).clip(0) ** 2 for f, d in tones)
    return 0.1 * sum(waves, np.zeros(len(t)))


def sweep(t: Sound, _chance: np.random.Generator) -> Sound:
    return 0.5 * np.sin(2 * np.pi * (40 + 3000 * t / t[-1]) * t)


def bursts(t: Sound, chance: np.random.Generator) -> Sound:
    """Noise for a second, then digital silence for one and a half: LAME forgets slowly there."""
    return chance.normal(0, 0.2, len(t)) * (t % 2.5 < 1)


def fading(t: Sound, chance: np.random.Generator) -> Sound:
    """Loud, then softer and softer: the threshold of hearing sinks as slowly as it can."""
    return chance.normal(0, 0.3, len(t)) * np.exp(-(t % 8))


def turns(t: Sound, chance: np.random.Generator) -> Sound:
    """Noise at one moment or another, in each channel, and silence for seconds."""
    return chance.normal(0, 0.2, len(t)) * ((t + chance.uniform(0, 9)) % 9 < 2)


def doubled(t: Sound, chance: np.random.Generator) -> Sound:
    """The same in all channels, but for a few samples."""
    clicks = np.zeros(len(t))
    clicks[:: len(t) // 9] = chance.uniform(0.1, 0.3, len(clicks[:: len(t) // 9]))
    return speech(t, np.random.default_rng(1)) + clicks


def make_source(
    path: Path, kind: Callable[..., Sound], rate: int, channels: int, seconds: float = SECONDS
) -> Path:
    chance = np.random.default_rng(7)
    t = np.arange(int(rate * seconds)) / rate
    sound = np.stack([kind(t, chance) for _ in range(channels)], axis=1)
    samples = (sound.clip(-1, 1) * 32767).astype("<i2").tobytes()
    given = ["-f", "s16le", "-ar", str(rate), "-ac", str(channels), "-i", "-"]
    made = ["-metadata", "title=A title", "-c:a", _CODECS[path.suffix[1:]][0], str(path)]
    subprocess.run(["ffmpeg", "-v", "error", *given, *made], input=samples, check=True)
    return path


def dress(plain: Path) -> Path:
    """Give a source a cover and chapters."""
    told = plain.with_suffix(".txt")
    starts = range(0, 2 * SECONDS, 10)
    parts = (f"[CHAPTER]\nTIMEBASE=1/1\nSTART={n}\nEND={n + 10}\ntitle=From {n}" for n in starts)
    told.write_text("\n".join([";FFMETADATA1", *parts]) + "\n")
    dressed = plain.with_stem("dressed")
    cover = ["-f", "lavfi", "-i", "testsrc2=size=300x300:duration=0.04:rate=25"]
    mapped = ["-map", "0:a", "-map", "2:v", "-map_chapters", "1", "-c:a", "copy", "-c:v", "png"]
    made = [*mapped, "-disposition:v:0", "attached_pic", dressed]
    command = ["ffmpeg", "-v", "error", "-i", plain, "-i", told, *cover, *made]
    subprocess.run(command, check=True)
    return dressed


def output_of(word: str, **more: str) -> ResolvedOutput:
    kind = "quality" if word.startswith("V") else "bitrate"
    return msgspec.convert({"format": "mp3", kind: word, **more}, ResolvedOutput)


def describe(source: Path, demuxer: Demuxer) -> Probe:
    """Have the source probed as the converter does."""
    _, *arguments = ffprobe_arguments(source, demuxer)
    command = [shipped() / "ffprobe", *arguments]
    answer = subprocess.run(command, check=True, capture_output=True).stdout
    probe = parse_probe(answer, Container(demuxer.value, demuxer))
    assert probe
    return probe


def segments_at(*cuts: int) -> tuple[Segment, ...]:
    ends = [*(cut + OVERLAP + TAIL for cut in cuts), None]
    return tuple(
        Segment(max(0, cut - WARM_UP), cut, end) for cut, end in zip((0, *cuts), ends, strict=True)
    )


def evenly(rate: int, count: int) -> tuple[Segment, ...]:
    total = SECONDS * rate // frame_samples(rate)
    return segments_at(*(total * n // count // 49 * 49 for n in range(1, count)))


def debians() -> Path:
    """Return the folder of the host's own FFmpeg, whose LAME is Debian's."""
    found = shutil.which("ffmpeg")
    assert found
    return Path(found).parent


class Counting(Children):
    """Counts the processes."""

    count = 0

    def run_all(self, commands: Sequence[list[str]], **more: Any) -> list[Finished]:
        self.count += len(commands)
        return super().run_all(commands, **more)


class Encoders:
    """Encodes one source in one go, and in segments."""

    def __init__(
        self,
        source: Path,
        output: ResolvedOutput,
        directory: Path,
        *,
        gain: str = "",
        picture: int | None = None,
        programs: Path | None = None,
        leaps: bool = False,
    ) -> None:
        self.children = Counting()
        self._programs = programs or shipped()
        self.places = Places(source=directory, output=directory / "parallel")
        self.places.output.mkdir()
        self._output = output
        self._serial = directory / "serial.mp3"
        demuxer = _CODECS[source.suffix[1:]][1]
        probe = describe(source, demuxer)
        recipe = decide(self._output, probe)
        assert recipe.shape
        self.command = partial(
            making_arguments,
            Input(source, demuxer, probe),
            recipe,
            chain=chain(recipe, recipe.shape, gain),
            picture=picture,
            most_bytes=1 << 30,
            reservoir=False,
            leaps=leaps,
        )

    def serial(self) -> bytes:
        progress = self._serial.with_suffix(".progress")
        _, *arguments = self.command(result=self._serial, progress=progress)
        subprocess.run([self._programs / "ffmpeg", *arguments], check=True)
        return self._serial.read_bytes()

    def parallel(
        self, segments: tuple[Segment, ...], rate: int, most_bytes: int = 1 << 30
    ) -> Ending | Refused:
        task = Task(
            segments,
            rate,
            self._output.quality is None,
            most_bytes,
            self.command,
            self.places.progress,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{self._programs}:{os.environ['PATH']}")
            return encode(task, self.places, children=self.children, watch=lambda: None)

    def assert_same(self, segments: tuple[Segment, ...], rate: int) -> None:
        outcome = self.parallel(segments, rate)
        assert isinstance(outcome, Ending), outcome
        assert self.places.result.read_bytes() == self.serial()
        left = {path.name for path in self.places.output.iterdir()}
        assert left == {"result", "progress"}


@pytest.mark.parametrize("output", ["128k", "320k", "V0", "V7"])
@pytest.mark.parametrize("kind", [speech, music, sweep, bursts, fading])
def test_every_sound_at_every_rate_of_bits(tmp_path: Path, kind: Callable[..., Sound], output: str):
    source = make_source(tmp_path / "source.wav", kind, 44100, 2)
    Encoders(source, output_of(output), tmp_path).assert_same(evenly(44100, 2), 44100)


@pytest.mark.parametrize(("channels", "output"), [(2, "192k"), (1, "V4")])
@pytest.mark.parametrize("rate", [48000, 44100, 32000, 24000, 22050, 16000, 11025, 8000])
def test_every_sample_rate(tmp_path: Path, rate: int, channels: int, output: str):
    source = make_source(tmp_path / "source.wav", music, rate, channels)
    Encoders(source, output_of(output), tmp_path).assert_same(evenly(rate, 2), rate)


@pytest.mark.parametrize(
    ("extension", "count"),
    [("mp4", 2), ("mp4", 3), ("mp4", 4), ("mp4", 5), ("mkv", 3), ("webm", 4)],
)
def test_every_number_of_segments_from_every_container(tmp_path: Path, extension: str, count: int):
    rate = 44100 if extension != "webm" else 48000
    source = make_source(tmp_path / f"source.{extension}", speech, rate, 2, 2 * SECONDS)
    Encoders(source, output_of("192k"), tmp_path).assert_same(evenly(rate, count), rate)


@OWN
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("kind", [speech, bursts, sweep])
@pytest.mark.parametrize("extension", ["mp4", "mka"])
def test_what_comes_before_a_segment_need_not_be_decoded(
    tmp_path: Path, extension: str, kind: Callable[..., Sound], count: int
):
    """AAC has noise that the decoder makes: it is that of the packet."""
    source = make_source(tmp_path / f"source.{extension}", kind, 44100, 2, 2 * SECONDS)
    encoders = Encoders(source, output_of("192k"), tmp_path, leaps=True)
    encoders.assert_same(evenly(44100, count), 44100)


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Noise as AAC, and its samples."""
    source = make_source(tmp_path_factory.mktemp("leaps") / "noise.mp4", bursts, 48000, 1)
    return source, decode(source, "-leaps", "1")


def decode(source: Path, *options: str, chain: str = "anull") -> bytes:
    command = [shipped() / "ffmpeg", "-v", "error", "-xerror", *options, "-i", source]
    rest = ["-af", chain, "-f", "s16le", "-"]
    return subprocess.run([*command, *rest], check=True, capture_output=True).stdout


@OWN
@given(start=st.integers(0, SECONDS * 48000 - 1), length=st.integers(1, 5000))
@example(start=10 * 1024, length=1)
@example(start=11 * 1024 - 1, length=1025)
def test_a_leap_leads_to_the_same_samples(decoded: tuple[Path, bytes], start: int, length: int):
    source, samples = decoded
    span = Span(start, start + length)
    leap = leap_to(span)
    options = [word for name, value in leap.options.items() for word in (f"-{name}", f"{value}")]
    moved = leap.span(span)
    cut = f"atrim=start_sample={moved.start}:end_sample={moved.end}"
    assert decode(source, *options, chain=cut) == samples[2 * start : 2 * (start + length)]


@OWN
@pytest.mark.parametrize("filling", [b"\xff", b"\xe0"], ids=["no AAC", "no sound"])
def test_who_leaves_packets_out_notices_one_that_gives_nothing(tmp_path: Path, filling: bytes):
    """What comes behind it would be taken for what comes before."""
    source = make_source(tmp_path / "source.mp4", speech, 48000, 2)
    packet = media.list_packets(source)[300]
    content = source.read_bytes()
    source.write_bytes(content[: packet.start] + filling * len(packet) + content[packet.stop :])
    encoders = Encoders(source, output_of("192k"), tmp_path, leaps=True)
    assert isinstance(encoders.parallel(segments_at(490), 48000), Refused)


@OWN
@pytest.mark.parametrize("profile", ["aac_main", "aac_ltp"])
def test_packets_that_need_more_than_the_one_before_are_not_left_out(tmp_path: Path, profile: str):
    plain = make_source(tmp_path / "plain.wav", music, 48000, 2)
    source = tmp_path / "source.mp4"
    made = ["-c:a", "aac", "-profile:a", profile, "-strict", "-2", source]
    subprocess.run(["ffmpeg", "-v", "error", "-i", plain, *made], check=True)
    encoders = Encoders(source, output_of("192k"), tmp_path, leaps=True)
    assert isinstance(encoders.parallel(segments_at(490), 48000), Refused)


@pytest.mark.parametrize("more", [-1153, -577, -1, 0, 1, 576])
def test_the_end_may_lie_anywhere_in_a_frame(tmp_path: Path, more: int):
    seconds = (1000 * 1152 + more) / 48000
    source = make_source(tmp_path / "source.wav", music, 48000, 1, seconds)
    Encoders(source, output_of("V2"), tmp_path).assert_same(segments_at(490), 48000)


@pytest.mark.parametrize("output", ["128k", "192k", "V2"])
def test_a_fast_encode(tmp_path: Path, output: str):
    source = make_source(tmp_path / "source.mp4", speech, 48000, 2)
    fast = output_of(output, preset="fast")
    Encoders(source, fast, tmp_path).assert_same(evenly(48000, 2), 48000)


LIMITED = level_filter(Setting(9.5, -3))


@pytest.mark.parametrize("gain", ["volume=-7.31dB:precision=float", LIMITED])
def test_a_changed_loudness(tmp_path: Path, gain: str):
    source = make_source(tmp_path / "source.mp4", music, 44100, 2)
    encoders = Encoders(source, output_of("192k"), tmp_path, gain=gain)
    encoders.assert_same(evenly(44100, 2), 44100)


def test_a_cover_and_chapters(tmp_path: Path):
    source = dress(make_source(tmp_path / "source.mp4", speech, 44100, 2, 2 * SECONDS))
    encoders = Encoders(source, output_of("192k"), tmp_path, picture=0)
    encoders.assert_same(evenly(44100, 3), 44100)
    begin = encoders.places.result.read_bytes()[:1_000_000]
    assert b"APIC" in begin
    assert b"CHAP" in begin


@OWN
@pytest.mark.parametrize(("kind", "output"), [(turns, "64k"), (doubled, "192k")])
def test_cuts_in_silence_are_joined_at_once(
    tmp_path: Path, kind: Callable[..., Sound], output: str
):
    """Also in that of a side channel: stereo that is mono but for a few granules."""
    source = make_source(tmp_path / "source.wav", kind, 48000, 2)
    encoders = Encoders(source, output_of(output), tmp_path)
    encoders.assert_same(evenly(48000, 3), 48000)
    assert encoders.children.count == 3


def test_debians_lame_needs_a_bridge_over_a_silence(tmp_path: Path):
    def gap(t: Sound, chance: np.random.Generator) -> Sound:
        return chance.normal(0, 0.2, len(t)) * ((t < 25) | (t > 35))

    source = make_source(tmp_path / "source.wav", gap, 48000, 2, 60)
    encoders = Encoders(source, output_of("128k"), tmp_path, programs=debians())
    encoders.assert_same(segments_at(1225), 48000)
    assert encoders.children.count == 3


def test_gaps_between_timestamps_change_nothing(tmp_path: Path):
    whole = make_source(tmp_path / "whole.mkv", speech, 44100, 2, 2 * SECONDS)
    source = tmp_path / "source.mkv"
    drop = "noise=drop='between(n,300,450)+between(n,900,1200)'"
    arguments = ["ffmpeg", "-v", "error", "-i", whole, "-c", "copy", "-bsf:a", drop, source]
    subprocess.run(arguments, check=True)
    encoders = Encoders(source, output_of("192k"), tmp_path)
    encoders.assert_same(segments_at(490, 980), 44100)
    position = read_position(encoders.places.progress)
    assert position
    assert position.ended
    assert position.seconds == pytest.approx(2 * SECONDS, abs=0.1)


def test_an_edit_list_changes_nothing(tmp_path: Path):
    whole = make_source(tmp_path / "whole.mp4", music, 44100, 2, 2 * SECONDS)
    source = tmp_path / "source.mp4"
    cut = ["ffmpeg", "-v", "error", "-ss", "3.3", "-i", whole, "-c", "copy", source]
    subprocess.run(cut, check=True)
    Encoders(source, output_of("192k"), tmp_path).assert_same(segments_at(490, 980), 44100)


@pytest.mark.parametrize("second", [(44100, 1), (48000, 2)])
def test_a_format_that_changes_in_the_middle_is_refused(tmp_path: Path, second: tuple[int, int]):
    parts = [
        make_source(tmp_path / f"{n}.mp4", music, rate, channels)
        for n, (rate, channels) in enumerate([(44100, 2), second])
    ]
    streams = []
    for part in parts:
        adts = part.with_suffix(".aac")
        subprocess.run(["ffmpeg", "-v", "error", "-i", part, "-c", "copy", adts], check=True)
        streams.append(adts.read_bytes())
    source = tmp_path / "source.aac"
    source.write_bytes(b"".join(streams))
    encoders = Encoders(source, output_of("192k"), tmp_path)
    assert isinstance(encoders.parallel(segments_at(490), 44100), Refused)


def test_a_source_that_ends_before_a_cut_is_refused(tmp_path: Path):
    source = make_source(tmp_path / "source.wav", music, 44100, 2)
    outcome = Encoders(source, output_of("192k"), tmp_path).parallel(segments_at(490, 4900), 44100)
    assert isinstance(outcome, Refused)


def test_segments_that_take_too_much_of_the_disk_are_refused(tmp_path: Path):
    source = make_source(tmp_path / "source.wav", music, 44100, 1)
    encoders = Encoders(source, output_of("320k"), tmp_path)
    assert isinstance(encoders.parallel(segments_at(490), 44100, 900_000), Refused)
    assert {path.name for path in encoders.places.output.iterdir()} == {"progress"}


@pytest.mark.parametrize(
    ("rate", "channels", "output"),
    [
        *((48000, 2, output) for output in ("128k", "192k", "V0", "V9")),
        (44100, 1, "192k"),
        (44100, 1, "V0"),
        (22050, 2, "128k"),
        (22050, 2, "V9"),
        (11025, 1, "V0"),
    ],
)
def test_a_header_is_computed_as_ffmpeg_does(tmp_path: Path, rate: int, channels: int, output: str):
    source = make_source(tmp_path / "source.wav", bursts, rate, channels)
    encoders = Encoders(source, output_of(output), tmp_path)
    encoders.serial()
    frames = list(Recording(tmp_path / "serial.mp3").frames(SECONDS * rate))
    assert len(frames) > SECONDS * rate // frame_samples(rate)


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


def test_one_core_and_several_make_the_same_result(bench: Bench, tmp_path: Path):
    source = make_source(tmp_path / "clip.mp4", speech, 44100, 2, 70)
    results = []
    for number, cores in enumerate((1, 2)):
        uid = f"0f0e1c2d-1111-4222-8333-94445555666{number}"
        pod = bench.pod(source, uid=uid, cores=cores, output=Output(format="mp3", bitrate="192k"))
        assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
        assert ("joined" in pod.logs()) == (cores > 1)
        leapt = '"segments":2,"leaps":true' in pod.logs()
        assert leapt == (cores > 1 and built("ffmpeg") is not None), pod.logs()
        results.append(tmp_path / f"{cores}.mp3")
        download(bench.database, pod.plan, results[-1])
    assert results[0].read_bytes() == results[1].read_bytes()
    media.assert_same_audio(source, results[1])


def test_what_cannot_be_joined_is_encoded_in_one_go(bench: Bench, tmp_path: Path):
    """Stereo that is mono but for a few granules: too little sound for Debian's LAME."""
    source = media.make_clip(tmp_path / "clip.mp4", seconds=70)
    pod = bench.pod(source, cores=2)
    pod.variables["PATH"] = f"{debians()}:{os.environ['PATH']}"
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    assert "encoding again" in pod.logs()
    download(bench.database, pod.plan, tmp_path / "result.mp3")
    media.assert_same_audio(source, tmp_path / "result.mp3")
    left = {path.name for path in pod.places.output.iterdir()}
    assert not any(name.startswith("segment") for name in left)
