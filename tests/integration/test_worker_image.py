"""The worker's image, and the FFmpeg in it: small, and able to do no more than it must."""

import platform
import subprocess
from pathlib import Path

import pytest
from tests import media
from tests.containers import docker
from tests.ffmpeg import ARCHITECTURE, PLATFORM, PROGRAMS, built, shipped

MEGABYTE = 10**6

OWN = pytest.mark.skipif(built("ffmpeg") is None, reason="no FFmpeg of our own was built")


def ask(*arguments: str) -> str:
    """Return what the shipped ffmpeg prints about itself."""
    command = [str(shipped() / "ffmpeg"), "-hide_banner", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def names(listing: str) -> set[str]:
    """The names in a table of ffmpeg: flags, then the names, separated by commas."""
    rows = [line.split() for line in listing.partition(" --\n")[2].splitlines()]
    return {name for row in rows for name in row[1].split(",")}


def run(*command: str, user: int = 10002) -> str:
    """Run a program of the image as a conversion's pod does."""
    image = built("worker")
    assert image
    bounds = ("--read-only", "--network=none", "--cap-drop=ALL", f"--user={user}:{user}")
    started = (*PLATFORM, *bounds, f"--entrypoint={command[0]}")
    return docker("run", "--rm", *started, image, *command[1:])


@OWN
def test_the_image_is_small():
    assert int(docker("image", "inspect", "--format={{.Size}}", built("worker") or "")) <= (
        120 * MEGABYTE
    )


def test_it_is_what_it_says_of_the_machines_that_it_is_for():
    machine = {"arm64": "aarch64", "": platform.machine()}[ARCHITECTURE]
    said = docker("image", "inspect", "--format={{.Architecture}}", built("worker") or "")
    assert {"arm64": "aarch64", "amd64": "x86_64"}[said] == machine
    assert run("python", "-c", "import platform; print(platform.machine())") == machine


@pytest.mark.parametrize("role", ["mover", "converter"])
def test_each_container_starts_on_a_read_only_root_and_asks_for_its_plan(role: str):
    image = built("worker") or ""
    bounds = ("--read-only", "--user=10001:10001")
    done = docker("run", "--rm", *PLATFORM, *bounds, image, role, check=False)
    assert "missing environment variables: SOUNDSTRIP_PLAN" in done


def test_every_module_is_compiled_already():
    code = "import pathlib, sys; print(*(m.__cached__ for m in list(sys.modules.values()) if "
    code += "getattr(m, '__cached__', None) and not pathlib.Path(m.__cached__).exists()))"
    assert (
        run("python", "-c", f"import soundstrip_worker.mover, soundstrip_worker.converter; {code}")
        == ""
    )


def test_certificate_authorities_are_there_for_a_database_with_tls():
    code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    assert int(run("python", "-c", code)) > 100


def test_there_is_no_shell_and_no_package_manager():
    code = "import shutil; print([n for n in ('sh', 'bash', 'apt-get', 'dpkg') if shutil.which(n)])"
    assert run("python", "-c", code) == "[]"


@OWN
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_are_static_and_say_what_they_are(program: str):
    told = run(program, "-version")
    assert f"{program} version 7.1" in told
    assert "--enable-gpl" not in told
    assert "--enable-nonfree" not in told


@OWN
def test_the_notices_say_what_the_programs_are_made_of():
    told = run("python", "-c", "print(open('/usr/share/doc/ffmpeg/NOTICE').read())")
    for package in ("ffmpeg 7:7.1", "lame 3.100", "opus 1.5.2", "libc6-dev 2.", "libvorbis-dev 1."):
        assert package in told


@OWN
def test_it_speaks_no_protocol_but_those_of_files():
    told = ask("-protocols").split()
    assert set(told[told.index("Input:") + 1 : told.index("Output:")]) == {"fd", "file", "pipe"}
    assert set(told[told.index("Output:") + 1 :]) == {"fd", "file", "pipe"}


@OWN
def test_it_knows_no_format_that_opens_other_files_and_no_device():
    opening = {
        "concat",
        "hls",
        "dash",
        "rtp",
        "rtsp",
        "sdp",
        "sap",
        "image2",
        "imf",
        "webm_dash_manifest",
    }
    devices = {"lavfi", "alsa", "v4l2", "fbdev", "x11grab", "pulse"}
    assert not names(ask("-demuxers")) & (opening | devices)
    assert not names(ask("-muxers")) & (
        opening | devices | {"tee", "segment", "stream_segment", "fifo"}
    )


@OWN
def test_it_decodes_no_video():
    rows = [line.split() for line in ask("-decoders").partition("------\n")[2].splitlines()]
    assert {row[1] for row in rows if row[0].startswith("V")} == {"mjpeg", "png"}


@OWN
@pytest.mark.parametrize("extension", [each.extension for each in media.FORMATS])
def test_it_decodes_what_another_version_decodes(tmp_path: Path, extension: str):
    source = media.make_clip(tmp_path / f"clip.{extension}")
    wave = tmp_path / "own.wav"
    command = [
        str(shipped() / "ffmpeg"),
        "-v",
        "error",
        "-i",
        str(source),
        "-map",
        "0:a:0",
        str(wave),
    ]
    subprocess.run(command, check=True)
    media.assert_same_audio(source, wave)
