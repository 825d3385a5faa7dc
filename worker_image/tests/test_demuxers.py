import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_worker.demuxers import HEAD_SIZE, Demuxer, recognise

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
EBML = bytes.fromhex("1a45dfa3")


@pytest.mark.parametrize(
    ("head", "name", "demuxer"),
    [
        (b"\0\0\0\x18ftypisom", "mp4", Demuxer.MOV),
        (b"\0\0\0\x18ftypM4V ", "mp4", Demuxer.MOV),
        (b"\0\0\0\x14ftypqt  ", "mov", Demuxer.MOV),
        (b"\0\0\x10\0moov", "mov", Demuxer.MOV),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mov", Demuxer.MOV),
        (EBML + b"\x9f\x42\x82\x84webm", "webm", Demuxer.MATROSKA),
        (EBML + b"\xa3\x42\x82\x88matroska", "matroska", Demuxer.MATROSKA),
        (b"RIFF\x10\0\0\0AVI LIST", "avi", Demuxer.AVI),
        (b"RIFF\x10\0\0\0WAVEfmt ", "wav", Demuxer.WAV),
        (b"FLV\x01\x05", "flv", Demuxer.FLV),
        (ASF, "asf", Demuxer.ASF),
        (b"\0\0\x01\xba\x44", "mpeg", Demuxer.MPEG_PS),
        (b"OggS\0\x02", "ogg", Demuxer.OGG),
        (b"fLaC\0\0\0\x22", "flac", Demuxer.FLAC),
        ((b"\x47" + b"\0" * 187) * 4, "mpegts", Demuxer.MPEG_TS),
        (b"\0\0\0\0" + (b"\x47" + b"\0" * 191) * 4, "mpegts", Demuxer.MPEG_TS),
        (b"\xff\xf1\x50\x80", "aac", Demuxer.AAC),
        (b"ID3\x04\0\0", "mp3", Demuxer.MP3),
        (b"\xff\xfb\x90\x64", "mp3", Demuxer.MP3),
        (b"FORM\0\0\0\x10AIFC", "aiff", Demuxer.AIFF),
        (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0", "w64", Demuxer.W64),
        (b"caff\0\x01\0\0", "caf", Demuxer.CAF),
        (b".snd\0\0\0\x18", "au", Demuxer.AU),
        (b"#!AMR\n", "amr", Demuxer.AMR),
        (b"\x0b\x77\x12\x34\x10\x40", "ac3", Demuxer.AC3),
        (b"\x0b\x77\x01\x34\x34\x87", "eac3", Demuxer.EAC3),
    ],
)
def test_a_container_is_known_by_its_first_bytes(head: bytes, name: str, demuxer: Demuxer):
    container = recognise(head)
    assert container
    assert (container.name, container.demuxer) == (name, demuxer)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"#EXTM3U\n#EXT-X-VERSION:3\n",
        b"ffconcat version 1.0\nfile secret.mp4\n",
        b"<?xml version='1.0'?><MPD>",
        b"This is no video, whatever its name says.",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"%PDF-1.7",
        b"\x7fELF",
        b"\xff\xfe\x54\0\x65\0",
        b"\x47" * 100,
    ],
)
def test_what_is_no_media_or_opens_other_files_is_not_recognised(head: bytes):
    assert recognise(head) is None


@given(st.binary(max_size=HEAD_SIZE))
def test_any_bytes_have_an_answer(head: bytes):
    recognise(head)


@given(st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=300))
def test_no_text_is_media_unless_it_starts_with_a_signature(text: str):
    container = recognise(text.encode())
    signatures = {"ID3", "RIFF", "RF64", "OggS", "fLaC", "FLV\x01"}
    boxes = {"ftyp", "moov", "mdat", "free", "skip", "wide", "pnot", "styp", "uuid"}
    starts = text[:4] in signatures or text[:3] == "ID3" or text[4:8] in boxes
    starts = starts or text.startswith(("caff", ".snd", "#!AMR", "\x0bw", "FORM"))
    synced = text[:1] == "G" or text[4:5] == "G"
    assert container is None or starts or synced
