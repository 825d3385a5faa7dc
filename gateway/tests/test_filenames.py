import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.filenames import MAX_BYTES, attachment, clean_filename


@given(st.text(max_size=600))
def test_a_clean_name_is_one_short_printable_path_segment(name: str):
    clean = clean_filename(name)
    assert 1 <= len(clean.encode()) <= MAX_BYTES
    assert not {"/", "\\"} & set(clean)
    assert not any(unicodedata.category(c).startswith("C") for c in clean)
    assert clean.strip(". ")


@given(st.text(max_size=600))
def test_cleaning_twice_changes_nothing_more(name: str):
    assert clean_filename(clean_filename(name)) == clean_filename(name)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("clip.mp4", "clip.mp4"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\Mein Film.mov", "Mein Film.mov"),
        ("../../.hidden.avi", "hidden.avi"),
        ("a\r\nSet-Cookie: x.mp4", "aSet-Cookie: x.mp4"),
        ("\u202egpj.mp4", "gpj.mp4"),
        ("фильм.mkv", "фильм.mkv"),
        ("", "upload"),
        ("..", "upload"),
        (None, "upload"),
    ],
)
def test_names_keep_what_is_harmless(name: str | None, clean: str):
    assert clean_filename(name) == clean


def test_a_long_name_keeps_its_extension():
    clean = clean_filename("ä" * 400 + ".webm")
    assert clean.endswith("ä.webm")
    assert len(clean.encode()) <= MAX_BYTES


@given(st.text(max_size=300))
def test_a_disposition_is_one_line_of_ascii_that_tells_the_name(name: str):
    clean = clean_filename(name)
    header = attachment(clean)
    assert header.isascii()
    assert header.isprintable()
    _, _, extended = header.partition("filename*=UTF-8''")
    plain = header.removeprefix('attachment; filename="').partition('"')[0]
    assert (unquote(extended) if extended else plain) == clean
