"""What is fuzzed: code of the worker and its libraries that reads a stranger's bytes.

A target is a function of bytes: it may return anything, and raises nothing, whatever it is given.
To fuzz another reader, add it to TARGETS, with bytes to begin from.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from tests.boxes import Chunk, Content, make_fragmented, make_mp4
from tests.ebml import make_matroska
from tests.mp3 import fuzz_joiner

from soundstrip_crds.conversion import Media
from soundstrip_crds.job import (
    ConverterReport,
    MoverReport,
    ProgressPost,
    Unreadable,
    read_message,
)
from soundstrip_media.layout import ALL, Wanted
from soundstrip_media.matroska import MAGIC
from soundstrip_media.ranges import Range
from soundstrip_media.readers import read_layout
from soundstrip_media.reading import NotUnderstood
from soundstrip_worker.answers import parse_last_packet, parse_length, parse_probe
from soundstrip_worker.completeness import declared_size, is_cut_off
from soundstrip_worker.coverage import Coverage
from soundstrip_worker.demuxers import HEAD_SIZE, Container, Demuxer, recognise
from soundstrip_worker.ending import fit
from soundstrip_worker.judgement import Ending, refuse_probe
from soundstrip_worker.progress import advance, parse_position
from soundstrip_worker.seeking import parse_landing

_ANSWER = (
    b'{"streams":[{"codec_name":"aac","codec_type":"audio","sample_rate":"44100","channels":2,'
    b'"start_time":"0.0","duration":"2.0","bit_rate":"128000","tags":{"language":"eng",'
    b'"DURATION":"00:00:02.5"}},{"codec_type":"video"}],"format":{"start_time":"0.0",'
    b'"duration":"2.0"}}'
)
_REPORT = (
    b'{"durationSeconds":3.5,"message":"x","media":{"container":"mp4","durationSeconds":1,'
    b'"tracks":[{"index":0,"codec":"aac","channels":2,"sampleRate":8000,"language":"eng"}]}}'
)
_PACKETS = b"packet,12.9,12.8\npacket,N/A,N/A\nformat,0.400000\n"
_PROGRESS = b"out_time_us=2500000\nspeed= 2.5x\nprogress=continue\nout_time_us=9\nprogress=end\n"
_COMPLAINTS = b"[mov @ 0x55aa] moov atom not found\nLast message repeated 3 times\n"
_POSITIONS = b"1,258,48,\n\n0,9,9\n1,258,8543\n1,146,8801\n"
_LANDING = b'{"packets":[{"stream_index":0},{"stream_index":1,"pts_time":"29.976961"}]}'
_HERE = (Range(0, 100), Range(8000, 9000))
_CHUNKS = [Chunk(gap=40, sizes=(30, 20)), Chunk(gap=10, sizes=(7,))]
_MOVIES = (make_mp4(_CHUNKS).content, make_fragmented(_CHUNKS, base_is_moof=True).content)
_FILMS = tuple(make_matroska([40] * 12, cues_first=first).content for first in (False, True))
_HEADS = (
    b"\0\0\0\x14ftypqt  \0\0\0\0",
    b"\x1a\x45\xdf\xa3\x42\x82\x84webm",
    b"RIFF\xff\xff\xff\x7fAVI LIST",
    b"RIFF\x24\0\0\0WAVEfmt ",
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(14)
    + bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365") + bytes(80),
    (b"G" + bytes(187)) * 3,
    b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80", b"ID3\x03", b"fLaC", b"OggS", b"\0\0\1\xba",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A reader, and some bytes that it understands."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _recognise(content: bytes) -> None:
    head = content[:HEAD_SIZE]
    container = recognise(head)
    for demuxer in [container.demuxer] if container else Demuxer:
        size = declared_size(head, demuxer)
        assert size is None or size > 0
        is_cut_off(head, demuxer, len(content))


def _probe(content: bytes) -> None:
    for demuxer in Demuxer:
        probe = parse_probe(content, Container(demuxer.value, demuxer))
        if probe:
            report = ConverterReport(duration_seconds=1.0, media=probe.media)
            assert read_message(msgspec.json.encode(report), ConverterReport) == report
        length = parse_length(content, demuxer)
        assert length is None or length >= 0


def _progress(content: bytes) -> None:
    position = parse_position(content)
    if position:
        post = ProgressPost(reason="Converting", progress=advance(None, position, 10.0))
        read_message(msgspec.json.encode(post), ProgressPost)


def _messages(content: bytes) -> None:
    for kind in (ConverterReport, MoverReport, ProgressPost, Media):
        with suppress(Unreadable):
            message = read_message(content, kind)
            assert read_message(msgspec.json.encode(message), kind) == message
            if isinstance(message, ConverterReport | MoverReport):
                assert len(fit(message, 2048)) <= 2048


def _complaints(content: bytes) -> None:
    failure = refuse_probe(Ending(1, content.decode("utf-8", "replace")))
    assert failure.message.isprintable()
    assert len(failure.message) <= 1024


def _index(content: bytes) -> None:
    for wanted in (ALL, Wanted(track=0, seek=8.0, stop=9.0)):
        with suppress(NotUnderstood):
            layout = read_layout(Content(content), grain=16, wanted=wanted)
            assert all(0 <= each.start < each.stop <= len(content) for each in layout.ranges)
            assert _covers(layout.ranges, b"1,0,0\n") == (layout.ranges[0].start == 0)


def _clusters(content: bytes) -> None:
    for wanted in (Wanted(track=0, stop=1.0), Wanted(track=0, seek=9.0, stop=9.5)):
        with suppress(NotUnderstood):
            layout = read_layout(Content(MAGIC + content), grain=16, wanted=wanted)
            assert all(0 <= each.start < each.stop for each in layout.ranges)
            for skip in layout.skips:
                assert len(skip.mark) <= skip.range.length
                assert skip.range.stop <= len(MAGIC + content)


def _landing(content: bytes) -> None:
    parse_landing(content, 1)


def _positions(content: bytes) -> None:
    half = len(content) // 2
    assert _covers(_HERE, content) == _covers(_HERE, content[:half], content[half:])


def _covers(ranges: Sequence[Range], *packets: bytes) -> bool:
    coverage = Coverage(ranges, 1)
    for piece in packets:
        coverage.take(piece)
    return coverage.holds()


TARGETS: dict[str, Target] = {
    "recognise": Target(_recognise, _HEADS),
    "probe": Target(_probe, (_ANSWER,)),
    "packets": Target(parse_last_packet, (_PACKETS,)),
    "progress": Target(_progress, (_PROGRESS,)),
    "messages": Target(_messages, (_REPORT,)),
    "complaints": Target(_complaints, (_COMPLAINTS,)),
    "index": Target(_index, _MOVIES),
    "clusters": Target(_clusters, tuple(film.removeprefix(MAGIC) for film in _FILMS)),
    "landing": Target(_landing, (_LANDING,)),
    "positions": Target(_positions, (_POSITIONS,)),
    "joiner": Target(fuzz_joiner, (bytes(8), b"\1\0\7\0\xff\xff")),
}
