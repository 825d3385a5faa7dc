"""What a source is, by ffprobe's answers: its tracks, how long they claim to be, and its words."""

from enum import Enum, auto
from typing import Literal

import msgspec

from soundstrip_crds.conversion import Media, Track
from soundstrip_crds.job import Unreadable, read_message
from soundstrip_worker.demuxers import Container, Demuxer
from soundstrip_worker.fields import (
    clean_text,
    clean_word,
    read_clock,
    read_offset,
    read_whole_number,
)
from soundstrip_worker.probing import PICTURE_CODECS, TAGS
from soundstrip_worker.progress import parse_number

UNKNOWN = "unknown"
"""The codec of a stream that no decoder is there for."""

_TRACKS_LIMIT = 32
_TAG_LENGTH = 1024

_FINE_FORMATS = frozenset({"s32", "s32p"})
_COARSE_FORMATS = frozenset({"u8", "u8p", "s16", "s16p"})
_FLOATS = "pcm_f"
_UNDETERMINED = "und"
_ESTIMATES = frozenset(
    {Demuxer.MPEG_TS, Demuxer.MPEG_PS, Demuxer.MP3, Demuxer.AAC}
    | {Demuxer.AC3, Demuxer.EAC3, Demuxer.AMR, Demuxer.AU}
)
_COUNT_FROM_ZERO = frozenset({Demuxer.MP3, Demuxer.OGG})
"""Their durations include what comes before the first timestamp: the encoder's delay."""
_OPUS_RATE = 48000
"""Samples a second that Ogg counts of Opus, whatever the sound's rate was."""
_ONE_LENGTH_FOR_ALL = frozenset({Demuxer.ASF, Demuxer.FLV})


class Basis(Enum):
    """What a claim about the length is about."""

    TRACK = auto()
    FILE = auto()


class Claim(msgspec.Struct, frozen=True):
    """Where the file says that it ends, in seconds from its first timestamp."""

    seconds: float
    basis: Basis


class AudioStream(msgspec.Struct, frozen=True):
    """An audio track as its decoder gives it; `begins` is in seconds from the media's start.

    Without a claim the file's headers don't vouch for the track's length.
    """

    track: Track
    depth: Literal[16, 24] = 16
    """Bits that a sample needs: lossy audio has no more than 16 that mean something."""
    whole: bool = False
    """Its samples are integers of 16 bits at most, so 16 bits hold them exactly."""
    begins: float = 0.0
    claim: Claim | None = None
    place: int = 0
    """Its number among the streams of all kinds."""


class Chapter(msgspec.Struct, frozen=True):
    """A chapter, in seconds from the media's start."""

    start: float
    end: float
    title: str


class Probe(msgspec.Struct, frozen=True):
    """What ffprobe found; `picture` is the cover's place among the video streams.

    `origin` is when the media begins, in seconds by the container's own clock.
    """

    media: Media
    streams: tuple[AudioStream, ...] = ()
    tags: dict[str, str] = {}
    picture: int | None = None
    chapters: tuple[Chapter, ...] = ()
    origin: float = 0.0


class _Disposition(msgspec.Struct, frozen=True):
    attached_pic: int = 0


class _Stream(msgspec.Struct, frozen=True):
    codec_type: str = ""
    codec_name: str = UNKNOWN
    channels: int = 0
    sample_rate: str = ""
    sample_fmt: str = ""
    bit_rate: str = ""
    duration: str = ""
    start_time: str = ""
    initial_padding: int = 0
    disposition: _Disposition = _Disposition()
    tags: dict[str, str] = {}


class _Chapter(msgspec.Struct, frozen=True):
    start_time: str = ""
    end_time: str = ""
    tags: dict[str, str] = {}


class _Format(msgspec.Struct, frozen=True):
    duration: str = ""
    start_time: str = ""
    bit_rate: str = ""
    tags: dict[str, str] = {}


class _Answer(msgspec.Struct, frozen=True):
    streams: list[_Stream] = []
    chapters: list[_Chapter] = []
    format: _Format = _Format()


def parse_probe(output: bytes, container: Container) -> Probe | None:
    """Read ffprobe's answer; None if it is none, as for a file that could not be opened."""
    answer = _read(output)
    if answer is None:
        return None
    places = [n for n, stream in enumerate(answer.streams) if stream.codec_type == "audio"]
    audio = [answer.streams[place] for place in places]
    streams = tuple(
        _audio_stream(n, place, answer, container) for n, place in enumerate(places[:_TRACKS_LIMIT])
    )
    return Probe(
        media=Media(
            container=container.name,
            duration_seconds=parse_number(answer.format.duration),
            tracks=tuple(stream.track for stream in streams),
        ),
        streams=streams,
        tags=_tags(answer, audio if container.demuxer is Demuxer.OGG else []),
        picture=_picture(answer),
        chapters=tuple(_chapter(each) for each in answer.chapters),
        origin=read_offset(answer.format.start_time),
    )


def parse_length(output: bytes, demuxer: Demuxer) -> float | None:
    """Return the seconds of a file's first stream, by ffprobe's answer, without its padding."""
    answer = _read(output) or _Answer()
    stream = answer.streams[0] if answer.streams else _Stream()
    duration = (
        parse_number(stream.duration)
        or read_clock(stream.tags.get("DURATION", ""))
        or (parse_number(answer.format.duration) if answer.streams else None)
    )
    return max(0.0, duration - _before_the_sound(stream, demuxer)) if duration else None


def _before_the_sound(stream: _Stream, demuxer: Demuxer) -> float:
    """Seconds of the duration that are the encoder's delay, and never heard."""
    if demuxer not in _COUNT_FROM_ZERO:
        return 0.0
    pre_skip = max(0, stream.initial_padding) if stream.codec_name == "opus" else 0
    return read_offset(stream.start_time) + pre_skip / _OPUS_RATE


def _read(output: bytes) -> _Answer | None:
    try:
        return read_message(output, _Answer)
    except Unreadable:
        return None


def parse_last_packet(output: bytes) -> float:
    """Return the latest time, in seconds from the file's start, at the end of a packet list."""
    rows = [line.split(",") for line in output.decode("ascii", "replace").splitlines()]
    starts = [read_offset(row[1]) for row in rows if row[0] == "format" and len(row) > 1]
    times = [read_offset(field) for row in rows if row[0] == "packet" for field in row[1:]]
    return max(times, default=0.0) - (starts[-1] if starts else 0.0)


def _audio_stream(n: int, place: int, answer: _Answer, container: Container) -> AudioStream:
    stream = answer.streams[place]
    fine = stream.sample_fmt in _FINE_FORMATS or stream.codec_name.startswith(_FLOATS)
    vouched = container.demuxer not in _ESTIMATES
    return AudioStream(
        track=_track(n, stream, answer),
        depth=24 if fine else 16,
        whole=stream.sample_fmt in _COARSE_FORMATS,
        begins=max(0.0, read_offset(stream.start_time) - read_offset(answer.format.start_time)),
        claim=_claim(answer.format, stream, container) if vouched else None,
        place=place,
    )


def _track(index: int, stream: _Stream, answer: _Answer) -> Track:
    language = clean_word(stream.tags.get("language", ""))
    alone = answer.format.bit_rate if len(answer.streams) == 1 else ""
    return Track(
        index=index,
        codec=clean_word(stream.codec_name) or UNKNOWN,
        channels=read_whole_number(str(stream.channels)),
        sample_rate=read_whole_number(stream.sample_rate),
        bitrate=read_whole_number(stream.bit_rate)
        or read_whole_number(stream.tags.get("BPS", ""))
        or read_whole_number(alone),
        language=language if language not in {"", _UNDETERMINED} else None,
    )


def _tags(answer: _Answer, telling: list[_Stream]) -> dict[str, str]:
    """The file's words; those of the first telling stream belong to it."""
    of_stream = telling[0].tags if telling else {}
    said = {key.lower(): text for key, text in (*of_stream.items(), *answer.format.tags.items())}
    clean = {key: clean_text(said[key])[:_TAG_LENGTH] for key in TAGS if key in said}
    return {key: text for key, text in clean.items() if text}


def _picture(answer: _Answer) -> int | None:
    videos = [stream for stream in answer.streams if stream.codec_type == "video"]
    return next(
        (
            n
            for n, stream in enumerate(videos)
            if stream.disposition.attached_pic and stream.codec_name in PICTURE_CODECS.split(",")
        ),
        None,
    )


def _chapter(chapter: _Chapter) -> Chapter:
    return Chapter(
        start=max(0.0, read_offset(chapter.start_time)),
        end=max(0.0, read_offset(chapter.end_time)),
        title=clean_text(chapter.tags.get("title", ""))[:_TAG_LENGTH],
    )


def _claim(file: _Format, audio: _Stream, container: Container) -> Claim | None:
    """A track's own length counts first; a file's may be that of its video."""
    start = read_offset(audio.start_time) - read_offset(file.start_time)
    of_track = container.demuxer not in _ONE_LENGTH_FOR_ALL
    if of_track and (duration := parse_number(audio.duration)):
        return Claim(max(0.0, start + duration), Basis.TRACK)
    if end := read_clock(audio.tags.get("DURATION", "")):
        return Claim(end, Basis.TRACK)
    if duration := parse_number(file.duration):
        return Claim(duration, Basis.FILE)
    return None
