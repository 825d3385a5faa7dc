"""The worker's FFmpeg holds no index of pictures, and of sound only what it reads next."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.boxes import Chunk, Form, make_mp4
from tests.ffmpeg import built, shipped
from tests.peak import measured

SECONDS = 4 * 3600
_PICTURES_OF_A_FILM = 25 * SECONDS
_SHORT = ("-indexmem", "65536")
_ENTRY = 24
"""Bytes of FFmpeg's AVIndexEntry."""
_WINDOW = 65536 // _ENTRY

ours = pytest.mark.skipif(built("ffmpeg") is None, reason="Debian's FFmpeg holds every index")


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


@ours
def test_neither_pictures_nor_sound_of_a_film_take_memory_and_its_sound_is_the_same(film: Path):
    (whole, most), (sound, least) = _sound(film), _sound(film, *_SHORT)
    assert sound == whole
    assert len(sound) > SECONDS * 1000
    frames = _PICTURES_OF_A_FILM + SECONDS * 8000 // 1024
    assert most - least > frames * _ENTRY


@st.composite
def forms(draw: st.DrawFn) -> tuple[list[Chunk], Form]:
    """Longer than two windows, cut into chunks and timed in any way, with any edit list.

    Fragments may follow: their samples are put into the same index.
    """
    random = draw(st.randoms(use_true_random=True))
    longest = draw(st.sampled_from([1, 7, 300, 4000]))
    count = draw(st.integers(2 * _WINDOW, 4 * _WINDOW))
    sizes = random.choices(range(1, 6), k=count)
    sizes[-1] = draw(st.sampled_from([3, 1 << 16]))
    chunks = []
    while sizes:
        length = random.randint(1, longest)
        chunks.append(Chunk(random.randint(0, 3), tuple(sizes[:length])))
        del sizes[:length]
    run = st.tuples(st.integers(1, count), st.integers(0, 3000))
    times = st.integers(0, 1024 * count) | st.sampled_from([-1, 0, 1024])
    edits = st.lists(st.tuples(st.integers(0, 25 * count), times), max_size=3)
    durations = (*draw(st.lists(run, max_size=3)), (count, 1024))
    fragments = draw(st.sampled_from([(), (Chunk(5, (3, 1, 2)), Chunk(2, (1, 4)))]))
    return chunks, Form(durations=durations, edits=tuple(draw(edits)), fragments=fragments)


def _listed(media: Path, *options: str) -> tuple[int, bytes]:
    """Return ffprobe's exit code, for a jump may fail, and the packets and the track."""
    probe = [str(shipped() / "ffprobe"), "-v", "quiet", "-of", "compact", "-f", "mov", *options]
    listed = ["-show_packets", "-show_streams", f"file:{media}"]
    done = subprocess.run([*probe, *listed], check=False, capture_output=True)
    return done.returncode, done.stdout


@ours
@settings(max_examples=25)
@given(made=forms(), jumps=st.sampled_from(["%", "%+3,50%+2,1%+1", "90%"]))
def test_packets_read_through_a_window_are_those_of_the_whole_index(
    made: tuple[list[Chunk], Form], jumps: str, tmp_path_factory: pytest.TempPathFactory
):
    media = tmp_path_factory.mktemp("windows") / "sound.mp4"
    media.write_bytes(make_mp4(*made).content)
    read = ("-read_intervals", jumps)
    code, listed = _listed(media, *read, *_SHORT)
    assert (code, listed) == _listed(media, *read)
    assert code or b"stream|" in listed
