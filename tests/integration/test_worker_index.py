"""The worker's FFmpeg holds no index of pictures that it doesn't read."""

import subprocess
from pathlib import Path

import pytest
from tests.ffmpeg import built, shipped
from tests.peak import measured

SECONDS = 4 * 3600
_PICTURES_OF_A_FILM = 25 * SECONDS
_SHORT = ("-indexmem", "65536")
_ENTRY = 24
"""Bytes of FFmpeg's AVIndexEntry."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours of 25 pictures a second, by a loop that is copied."""
    folder = tmp_path_factory.mktemp("film")
    loop, film = folder / "loop.mov", folder / "film.mov"
    picture = ["-f", "lavfi", "-i", "color=size=32x32:rate=25:duration=60"]
    sound = ["-f", "lavfi", "-i", "anoisesrc=sample_rate=8000:duration=60:amplitude=0.1"]
    _run(*picture, *sound, "-preset", "ultrafast", "-c:a", "aac", "-b:a", "16k", str(loop))
    _run("-stream_loop", "-1", "-i", str(loop), "-c", "copy", "-t", str(SECONDS), str(film))
    return film


def _run(*words: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", *words], check=True)


def _sound(film: Path, *options: str) -> tuple[bytes, int]:
    """Return all packets of the sound, and the bytes of memory that it took to read them."""
    log, packets = film.with_name("peak"), film.with_name("packets")
    given = ["-v", "error", "-f", "mov", *options, "-i", f"file:{film}", "-vn"]
    made = ["-c", "copy", "-f", "adts", "-y", f"file:{packets}"]
    subprocess.run([*measured(log), str(shipped() / "ffmpeg"), *given, *made], check=True)
    return packets.read_bytes(), int(log.read_text())


@pytest.mark.skipif(built("ffmpeg") is None, reason="Debian's FFmpeg holds every index")
def test_the_pictures_of_a_film_take_no_memory_and_its_sound_is_the_same(film: Path):
    (whole, most), (sound, least) = _sound(film), _sound(film, *_SHORT)
    assert sound == whole
    assert len(sound) > SECONDS * 1000
    assert most - least > _PICTURES_OF_A_FILM * _ENTRY
