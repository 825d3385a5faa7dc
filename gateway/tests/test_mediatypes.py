import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.mediatypes import SNIFF_BYTES, denies_media, sniff


def _ebml(document_type: bytes) -> bytes:
    body = b"\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(document_type)]) + document_type
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(body)]) + body


def _ftyp(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(12)


KNOWN = [
    (_ftyp(b"isom"), "video/mp4"),
    (_ftyp(b"mp42"), "video/mp4"),
    (_ftyp(b"qt  "), "video/quicktime"),
    (_ftyp(b"M4V "), "video/x-m4v"),
    (_ftyp(b"M4A "), "audio/mp4"),
    (struct.pack(">I", 8) + b"wide" + struct.pack(">I", 900) + b"mdat", "video/quicktime"),
    (struct.pack(">I", 0x7FFF0000) + b"mdat", "video/quicktime"),
    (_ebml(b"webm"), "video/webm"),
    (_ebml(b"matroska"), "video/x-matroska"),
    (b"RIFF\x10\x20\x00\x00AVI LIST", "video/x-msvideo"),
    (b"RIFF\x10\x20\x00\x00WAVEfmt ", "audio/wav"),
    (b"FLV\x01\x05\x00\x00\x00\x09", "video/x-flv"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c0000"), "video/x-ms-asf"),
    (b"\x00\x00\x01\xba\x44\x00", "video/mpeg"),
    ((b"\x47" + bytes(187)) * 6, "video/mp2t"),
    ((bytes(4) + b"\x47" + bytes(187)) * 6, "video/mp2t"),
    (b"OggS\x00\x02", "application/ogg"),
    (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    (b"ID3\x04\x00", "audio/mpeg"),
    (b"FORM\0\0\0\x10AIFF", "audio/aiff"),
    (b"riff\x2e\x91\xcf\x11\xa5\xd6", "audio/x-w64"),
    (b"caff\0\x01\0\0", "audio/x-caf"),
    (b".snd\0\0\0\x18", "audio/basic"),
    (b"#!AMR\n", "audio/amr"),
    (b"\x0b\x77\x12\x34\x10\x40", "audio/ac3"),
    (b"\xff\xfb\x90\x64", "audio/mpeg"),
    (b"\xff\xf1\x50\x80", "audio/aac"),
]

FOREIGN = [
    b"",
    b"\x00",
    b"hello, this is a text renamed to mp4\n" * 40,
    b"the free world of skip and wide moov" * 20,
    "\ufeffzwei Byte je Zeichen".encode("utf-16-le"),
    "\ufeffzwei Byte je Zeichen".encode("utf-16-be"),
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0\x00\x10JFIF",
    b"PK\x03\x04",
    b"%PDF-1.7",
    b"#EXTM3U\nhttp://127.0.0.1/secret",
    b"RIFF\x10\x20\x00\x00WEBPVP8 ",
    b"\x1a\x45\xdf\xa3\x80",
    b"FLV\x02",
    b"Good morning" + b"x" * 176 + b"not a packet",
    _ftyp(b"heic"),
    _ftyp(b"avif"),
]


@pytest.mark.parametrize(("head", "media_type"), KNOWN)
def test_each_known_format_is_told_by_its_first_bytes(head: bytes, media_type: str):
    assert sniff(head) == media_type


@pytest.mark.parametrize("head", FOREIGN)
def test_what_is_no_media_file_has_no_media_type(head: bytes):
    assert sniff(head[:SNIFF_BYTES]) is None


@given(st.text())
def test_no_text_in_utf_16_is_taken_for_audio_frames(text: str):
    assert sniff(text.encode("utf-16", "replace")) is None


@given(st.binary(max_size=SNIFF_BYTES))
def test_whatever_the_bytes_there_is_an_answer(head: bytes):
    assert sniff(head) is None or "/" in str(sniff(head))


@pytest.mark.parametrize(
    "declared",
    [
        *("text/html", "text/plain", "image/jpeg", "application/json", "application/ld+json"),
        *("application/pdf", "application/x-tar", "application/zip", "Text/HTML"),
    ],
)
def test_a_type_that_no_media_has_denies_that_it_is_media(declared: str):
    assert denies_media(declared)


@pytest.mark.parametrize(
    "declared",
    [
        *("video/mp4", "audio/x-whatever", "application/octet-stream", "application/ogg", ""),
        *("application/x-www-form-urlencoded", "text/vnd.trolltech.linguist", "application/mxf"),
    ],
)
def test_a_type_of_media_or_one_that_says_nothing_does_not(declared: str):
    assert not denies_media(declared)
