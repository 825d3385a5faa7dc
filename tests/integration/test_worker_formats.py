"""Mover and converter as two real processes, with real FFmpeg and a real mongod."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from tests import media, sources
from tests.worker import Bench, download, left_behind
from werkzeug import Request, Response

from soundstrip_crds.audio import Loudness, Output
from soundstrip_crds.job import ExitCode, ProgressPost
from soundstrip_crds.reasons import Reason


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


@pytest.mark.parametrize("extension", [each.extension for each in media.FORMATS])
def test_every_input_format_becomes_an_mp3_that_sounds_the_same(
    bench: Bench, tmp_path: Path, extension: str
):
    source = media.make_clip(tmp_path / f"clip.{extension}")
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    stored = download(bench.database, pod.plan, tmp_path / "result.mp3")
    media.assert_same_audio(source, tmp_path / "result.mp3")
    report = pod.mover_report()
    assert report.result
    assert report.result.file_id == stored.id
    assert report.result.filename == "clip.mp3"
    assert report.result.duration_seconds == pytest.approx(3, abs=0.05)
    assert report.stages
    assert report.stages.stored
    assert left_behind(bench.database) == {"results.files": 1, "results.chunks": 1, "intents": 0}


@pytest.mark.parametrize(
    ("output", "bits"),
    [
        (Output(bitrate="128k"), 128_000),
        (Output(), 192_000),
        (Output(bitrate="320k"), 320_000),
    ],
)
def test_a_constant_bit_rate_is_kept(bench: Bench, tmp_path: Path, output: Output, bits: int):
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4", seconds=10), output=output)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    result = pod.mover_report().result
    assert result
    assert result.bitrate == pytest.approx(bits, rel=0.03)


def test_a_better_quality_takes_more_room(bench: Bench, tmp_path: Path):
    source = media.make_clip(tmp_path / "clip.mov")
    sizes = []
    for quality in ("V0", "V9"):
        pod = bench.pod(source, output=Output(quality=quality), uid=f"uid-{quality}")
        assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
        result = pod.mover_report().result
        assert result
        sizes.append(result.size)
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (media.make_text, ExitCode.UNSUPPORTED_MEDIA),
        (media.make_empty, ExitCode.UNSUPPORTED_MEDIA),
        (media.make_silent_video, ExitCode.NO_AUDIO_TRACK),
        (media.make_headless, ExitCode.CORRUPT_MEDIA),
        (media.make_truncated, ExitCode.CORRUPT_MEDIA),
    ],
)
def test_a_bad_file_fails_with_its_reason_and_leaves_nothing(
    bench: Bench, tmp_path: Path, make: Callable[[Path], Path], code: ExitCode
):
    pod = bench.pod(make(tmp_path / "bad.mp4"))
    assert pod.run() == (ExitCode.PEER_LOST, code), pod.logs()
    assert pod.converter_report().message
    assert not any(left_behind(bench.database).values())


@pytest.mark.parametrize("container", ["flv", "matroska", "asf"])
def test_audio_that_ends_before_its_video_is_not_taken_for_damage(
    bench: Bench, tmp_path: Path, container: str
):
    source = _make_lopsided(tmp_path / "clip.video", container)
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    download(bench.database, pod.plan, tmp_path / "result.mp3")
    media.assert_same_audio(source, tmp_path / "result.mp3")


@pytest.mark.parametrize("extension", ["flv", "mkv", "avi", "wmv", "webm"])
def test_a_file_that_was_cut_off_is_refused_in_every_format_that_says_its_length(
    bench: Bench, tmp_path: Path, extension: str
):
    source = media.make_clip(tmp_path / f"clip.{extension}", seconds=6)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.PEER_LOST, ExitCode.CORRUPT_MEDIA), pod.logs()


def test_audio_beyond_the_bound_is_refused(bench: Bench, tmp_path: Path):
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4", seconds=5), max_result_bytes=50_000)
    assert pod.run() == (ExitCode.PEER_LOST, ExitCode.LIMIT_EXCEEDED), pod.logs()
    assert pod.places.result.stat().st_size <= 50_000


def test_a_playlist_in_disguise_opens_no_other_file(bench: Bench, tmp_path: Path):
    media.make_clip(tmp_path / "secret.mp4")
    script = tmp_path / "clip.mp4"
    script.write_text("ffconcat version 1.0\nfile secret.mp4\n")
    pod = bench.pod(script)
    (pod.places.source / "secret.mp4").write_bytes((tmp_path / "secret.mp4").read_bytes())
    assert pod.run() == (ExitCode.PEER_LOST, ExitCode.UNSUPPORTED_MEDIA), pod.logs()


def test_progress_is_posted_while_it_converts_and_never_goes_back(
    bench: Bench, tmp_path: Path, httpserver: HTTPServer
):
    posts = _collect_posts(httpserver)
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4", seconds=6))
    pod.slow_down()
    pod.variables |= {"PROGRESS_URL": httpserver.url_for("/p"), "PROGRESS_TOKEN": "token"}
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    percents = [post.progress.percent or 0 for post in posts if post.progress]
    assert percents == sorted(percents)
    assert any(0 < percent < 100 for percent in percents)
    converting = [post for post in posts if post.reason is Reason.CONVERTING and post.media]
    assert converting[-1].media
    assert converting[-1].media.container == "mp4"


def test_the_progress_of_several_passes_is_one(
    bench: Bench, tmp_path: Path, httpserver: HTTPServer
):
    posts = _collect_posts(httpserver)
    output = Output(loudness=Loudness(target=-20))
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4", seconds=5), output=output)
    pod.slow_down()
    pod.variables |= {"PROGRESS_URL": httpserver.url_for("/p"), "PROGRESS_TOKEN": "token"}
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    percents = [post.progress.percent or 0 for post in posts if post.progress]
    assert percents == sorted(percents)
    assert any(0 < percent < 30 for percent in percents)
    assert any(30 < percent < 100 for percent in percents)


def test_a_media_that_does_not_tell_its_length_has_seconds_and_no_percent(
    bench: Bench, tmp_path: Path, httpserver: HTTPServer
):
    posts = _collect_posts(httpserver)
    pod = bench.pod(_make_live(tmp_path / "live.mkv"))
    pod.slow_down()
    pod.variables |= {"PROGRESS_URL": httpserver.url_for("/p"), "PROGRESS_TOKEN": "token"}
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    converting = [post.progress for post in posts if post.progress]
    assert any(progress.seconds for progress in converting)
    assert all(progress.percent is None for progress in converting)


def test_an_operator_that_takes_no_progress_is_no_obstacle(bench: Bench, tmp_path: Path):
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4"))
    pod.variables |= {"PROGRESS_URL": "http://127.0.0.1:9/p", "PROGRESS_TOKEN": "token"}
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()


def test_neither_logs_nor_reports_hold_a_secret(bench: Bench, tmp_path: Path):
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4"))
    pod.variables |= {"PROGRESS_URL": "http://127.0.0.1:9/p", "PROGRESS_TOKEN": "the-token"}
    pod.run()
    told = pod.logs() + str(pod.mover_report()) + str(pod.converter_report())
    password = bench.variables["MONGO_URI"].split("@")[0].split(":")[-1]
    assert password not in told
    assert "the-token" not in told


def _collect_posts(server: HTTPServer) -> list[ProgressPost]:
    posts: list[ProgressPost] = []

    def take(request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer token"
        posts.append(msgspec.json.decode(request.get_data(), type=ProgressPost))
        return Response(status=204)

    server.expect_request("/p", method="POST").respond_with_handler(take)
    return posts


def _make_live(path: Path) -> Path:
    """Record 4 seconds from a pipe to a pipe: nobody can go back and write the length."""
    samples = sources.noise(4, seed=0)
    raw = ("-f", "f32le", "-ar", f"{sources.RATE}", "-ac", "2", "-i", "-")
    recorded = sources.ffmpeg(
        *raw, "-c:a", "libopus", "-f", "matroska", "-", content=samples.tobytes()
    )
    path.write_bytes(recorded)
    return path


def _make_lopsided(path: Path, container: str) -> Path:
    """Make a video of 8 seconds whose sound ends after 2."""
    arguments = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=8"]
    arguments += ["-f", "lavfi", "-i", "sine=frequency=500:duration=2:sample_rate=44100"]
    arguments += ["-c:v", "mpeg4" if container != "flv" else "flv1", "-c:a", "libmp3lame"]
    command = ["ffmpeg", "-nostdin", "-v", "error", *arguments, "-f", container, str(path)]
    subprocess.run(command, check=True, timeout=200)
    return path
