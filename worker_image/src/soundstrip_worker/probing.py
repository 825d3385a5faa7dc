"""What a source is: the arguments of ffprobe, and what its answer means.

ffprobe opens a decoder for every stream, so the whitelist binds audio alone: a video codec that
nobody needs must not refuse the file.
"""

from enum import Enum, auto
from pathlib import Path

import msgspec

from soundstrip_crds.conversion import Media, Track
from soundstrip_worker.demuxers import Container, Demuxer
from soundstrip_worker.progress import parse_number

PROTOCOLS = "file,pipe,fd"

AUDIO_CODECS = (
    "aac,aac_latm,ac3,eac3,mp1,mp1float,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,libvorbis,"
    "flac,alac,wmav1,wmav2,wmapro,wmalossless,wmavoice,amrnb,amrwb,dca,truehd,mlp,adpcm_ms,"
    "adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,nellymoser,speex,libspeex,pcm_alaw,pcm_mulaw,pcm_u8,"
    "pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_bluray,pcm_dvd"
)
"""FFmpeg's decoders that may run; a file of another audio codec is not supported."""

NOT_WHITELISTED = "not on whitelist"
"""What FFmpeg says of a decoder that may not run."""

TIME_LIMIT_SECONDS = 60.0
"""Some hostile files keep a demuxer busy for minutes."""

OUTPUT_LIMIT = 1 << 20
"""Bytes of JSON: some thousand streams, more than any honest file has."""

PACKETS_TAIL = 4096
"""Bytes of a packet list that hold its last hundred packets, in whatever order they are shown."""

_ENTRIES = (
    "format=duration,start_time:stream=codec_type,codec_name,channels,sample_rate,bit_rate,"
    "duration,start_time:stream_tags=language,DURATION"
)
_TRACKS_LIMIT = 32
_UNDETERMINED = "und"
_ESTIMATES = frozenset({Demuxer.MPEG_TS, Demuxer.MPEG_PS, Demuxer.MP3, Demuxer.AAC})
_ONE_LENGTH_FOR_ALL = frozenset({Demuxer.ASF, Demuxer.FLV})


class Basis(Enum):
    """What a claim about the length is about."""

    TRACK = auto()
    FILE = auto()


class Claim(msgspec.Struct, frozen=True):
    """Where the file says that it ends, in seconds from its first timestamp."""

    seconds: float
    basis: Basis


class Probe(msgspec.Struct, frozen=True):
    """What ffprobe found; without a claim the file's headers don't vouch for its length."""

    media: Media
    claim: Claim | None


class _Stream(msgspec.Struct, frozen=True):
    codec_type: str = ""
    codec_name: str = "unknown"
    channels: int = 0
    sample_rate: str = ""
    bit_rate: str = ""
    duration: str = ""
    start_time: str = ""
    tags: dict[str, str] = {}


class _Format(msgspec.Struct, frozen=True):
    duration: str = ""
    start_time: str = ""


class _Answer(msgspec.Struct, frozen=True):
    streams: list[_Stream] = []
    format: _Format = _Format()


def ffprobe_arguments(media: Path, demuxer: Demuxer) -> list[str]:
    """Return the command that describes a file as JSON."""
    wanted = {"-show_entries": _ENTRIES, "-of": "json=compact=1"}
    return _ffprobe(media, demuxer, wanted)


def packets_arguments(media: Path, demuxer: Demuxer) -> list[str]:
    """Return the command that lists when each packet of the first video track is shown."""
    entries = "packet=pts_time,dts_time:format=start_time"
    wanted = {"-select_streams": "v:0", "-show_entries": entries, "-of": "csv"}
    return _ffprobe(media, demuxer, wanted)


def _ffprobe(media: Path, demuxer: Demuxer, wanted: dict[str, str]) -> list[str]:
    options = {
        "-v": "error",
        "-f": demuxer.value,
        "-protocol_whitelist": PROTOCOLS,
        "-codec_whitelist:a": AUDIO_CODECS,
        "-probesize": "5000000",
        "-analyzeduration": "5000000",
        **wanted,
    }
    return ["ffprobe", *(word for option in options.items() for word in option), f"file:{media}"]


def parse_probe(output: bytes, container: Container) -> Probe | None:
    """Read ffprobe's answer; None if it is none, as for a file that could not be opened."""
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except msgspec.DecodeError:
        return None
    audio = [stream for stream in answer.streams if stream.codec_type == "audio"]
    media = Media(
        container=container.name,
        duration_seconds=parse_number(answer.format.duration),
        tracks=tuple(_track(n, stream) for n, stream in enumerate(audio[:_TRACKS_LIMIT])),
    )
    claims = bool(audio) and container.demuxer not in _ESTIMATES
    return Probe(media=media, claim=_claim(answer.format, audio[0], container) if claims else None)


def parse_length(output: bytes) -> float | None:
    """Return the seconds of a file's first stream, by ffprobe's answer, without its padding."""
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except msgspec.DecodeError:
        return None
    stream = answer.streams[0] if answer.streams else _Stream()
    duration = parse_number(stream.duration)
    return max(0.0, duration - _offset(stream.start_time)) if duration else None


def parse_last_packet(output: bytes) -> float:
    """Return the latest time, in seconds from the file's start, at the end of a packet list."""
    rows = [line.split(",") for line in output.decode("ascii", "replace").splitlines()]
    starts = [_offset(row[1]) for row in rows if row[0] == "format" and len(row) > 1]
    times = [_offset(field) for row in rows if row[0] == "packet" for field in row[1:]]
    return max(times, default=0.0) - (starts[-1] if starts else 0.0)


def _track(index: int, stream: _Stream) -> Track:
    language = _word(stream.tags.get("language", ""))
    return Track(
        index=index,
        codec=_word(stream.codec_name) or "unknown",
        channels=max(0, stream.channels) or None,
        sample_rate=_whole(stream.sample_rate),
        bitrate=_whole(stream.bit_rate),
        language=language if language not in {"", _UNDETERMINED} else None,
    )


def _claim(file: _Format, audio: _Stream, container: Container) -> Claim | None:
    """A track's own length counts first; a file's may be that of its video."""
    start = _offset(audio.start_time) - _offset(file.start_time)
    of_track = container.demuxer not in _ONE_LENGTH_FOR_ALL
    if of_track and (duration := parse_number(audio.duration)):
        return Claim(max(0.0, start + duration), Basis.TRACK)
    if end := _clock(audio.tags.get("DURATION", "")):
        return Claim(end, Basis.TRACK)
    if duration := parse_number(file.duration):
        return Claim(duration, Basis.FILE)
    return None


def _clock(text: str) -> float | None:
    """Read Matroska's `HH:MM:SS.fraction`, where a track ends."""
    hours, _, rest = text.partition(":")
    minutes, _, seconds = rest.partition(":")
    parts = [parse_number(part) for part in (hours, minutes, seconds)]
    if None in parts:
        return None
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=True) if part)


def _offset(text: str) -> float:
    sign = -1 if text.startswith("-") else 1
    return sign * (parse_number(text.removeprefix("-")) or 0.0)


def _whole(text: str) -> int | None:
    number = parse_number(text)
    return int(number) if number else None


def _word(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:63].strip()
