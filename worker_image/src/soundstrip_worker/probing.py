"""The arguments of ffprobe, which tells what a file is.

ffprobe opens a decoder for every stream, so the whitelist binds audio alone: a video codec that
nobody needs must not refuse the file.
"""

from pathlib import Path

from soundstrip_worker.demuxers import Demuxer

PROTOCOLS = "file,pipe,fd"

AUDIO_CODECS = (
    "aac,aac_latm,ac3,eac3,mp1,mp1float,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,libvorbis,"
    "flac,alac,wmav1,wmav2,wmapro,wmalossless,wmavoice,amrnb,amrwb,dca,truehd,mlp,adpcm_ms,"
    "adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,nellymoser,speex,libspeex,pcm_alaw,pcm_mulaw,pcm_u8,"
    "pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_bluray,pcm_dvd"
)
"""FFmpeg's decoders that may run; a file of another audio codec is not supported."""

PICTURE_CODECS = "mjpeg,png"
"""A cover is copied, but FFmpeg's muxers want to know its size, and its decoder tells."""

MOST_PIXELS = 1 << 25

NOT_WHITELISTED = "not on whitelist"
"""What FFmpeg says of a decoder that may not run."""

TIME_LIMIT_SECONDS = 60.0
"""Some hostile files keep a demuxer busy for minutes."""

OUTPUT_LIMIT = 1 << 20
"""Bytes of JSON: some thousand streams, more than any honest file has."""

PACKETS_TAIL = 4096
"""Bytes of a packet list that hold its last hundred packets, in whatever order they are shown."""

TAGS = (
    "title", "artist", "album", "album_artist", "composer", "genre", "date", "track", "comment",
    "disc", "performer", "publisher", "copyright", "description", "show", "episode_id", "isrc",
)  # fmt: skip
"""What is carried over of a file's words about itself, by FFmpeg's names."""

SHORT_INDEX = {"-indexmem": f"{1 << 16}"}
"""Bytes for the index of a track. Of a MOV's pictures our own FFmpeg keeps only that, of its audio
what is read next; a seek needs all."""

_LANDING_PACKETS = 512
"""Packets of all tracks behind a seek, among which there is one of each that goes on there."""

_ENTRIES = (
    "format=duration,start_time,bit_rate:stream=codec_type,codec_name,channels,sample_rate,"
    "sample_fmt,bit_rate,duration,start_time,initial_padding:stream_disposition=attached_pic:"
    f"format_tags={','.join(TAGS)}:stream_tags=language,DURATION,BPS,{','.join(TAGS)}:"
    "chapter=start_time,end_time:chapter_tags=title"
)


def ffprobe_arguments(media: Path, demuxer: Demuxer) -> list[str]:
    """Return the command that describes a file as JSON."""
    wanted = SHORT_INDEX | {"-show_entries": _ENTRIES, "-of": "json=compact=1"}
    return _ffprobe(media, demuxer, wanted)


def packets_arguments(media: Path, demuxer: Demuxer) -> list[str]:
    """Return the command that lists when each packet of the first video track is shown."""
    entries = "packet=pts_time,dts_time:format=start_time"
    wanted = {"-select_streams": "v:0", "-show_entries": entries, "-of": "csv"}
    return _ffprobe(media, demuxer, wanted)


def picture_arguments(media: Path, demuxer: Demuxer, picture: int) -> list[str]:
    """Return the command that tells how large a cover is: its stream has one packet."""
    entries = "packet=size:stream=width,height"
    wanted = {"-select_streams": f"v:{picture}", "-show_entries": entries, "-of": "json=compact=1"}
    return _ffprobe(
        media, demuxer, wanted | {"-read_intervals": "%+#1", "-max_pixels": f"{MOST_PIXELS}"}
    )


def landing_arguments(media: Path, demuxer: Demuxer, start: float) -> list[str]:
    """Return the command that lists the packets behind a seek, as FFmpeg's own meets them.

    Of all tracks, as the video's key frames lead it; the time is from the media's beginning.
    """
    interval = {"-read_intervals": f"+{start:.6f}%+#{_LANDING_PACKETS}"}
    entries = {"-show_entries": "packet=stream_index,pts_time", "-of": "json=compact=1"}
    return _ffprobe(media, demuxer, interval | entries)


def positions_arguments(
    media: Path,
    demuxer: Demuxer,
    track: int,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> list[str]:
    """Return the command that lists stream, size and position of each packet of an audio track.

    A part is bounded by the container's own clock. Matroska has no index of audio, so there all
    tracks are listed.
    """
    one = {} if demuxer is Demuxer.MATROSKA else {"-select_streams": f"a:{track}"}
    times = ("" if each is None else f"{each:.6f}" for each in (start, stop))
    interval = {} if start is stop is None else {"-read_intervals": "%".join(times)}
    index = SHORT_INDEX if start is None else {}
    entries = {"-show_entries": "packet=stream_index,size,pos", "-of": "csv=p=0"}
    return _ffprobe(media, demuxer, one | interval | index | entries)


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
