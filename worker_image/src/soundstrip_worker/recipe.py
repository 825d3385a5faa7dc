"""What is to be made of a source, decided from the wish and from what ffprobe said."""

import msgspec
from msgspec.structs import replace

from soundstrip_crds.audio import ResolvedOutput, TrackChoice, Trim
from soundstrip_crds.conversion import Track
from soundstrip_crds.job import ExitCode, FileType
from soundstrip_worker.answers import UNKNOWN, AudioStream, Claim, Probe
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.failures import Rejected
from soundstrip_worker.formats import (
    ENCODERS,
    FILES,
    Chapters,
    Encoder,
    codec_of,
    fitting_rate,
    original_file,
)
from soundstrip_worker.languages import is_spoken
from soundstrip_worker.leaps import has_leaps
from soundstrip_worker.mp3.cuts import SHARES, SHARES_OF_FAST, Extent, measure
from soundstrip_worker.progress import part_seconds
from soundstrip_worker.seeking import Seek

COPY_SHARE = 1.05
"""A source of this much more than the bit rate that is asked for is still what is asked for."""

MOST_CHAPTERS = 250
"""More are left out: ID3v2 has a table of contents with 255 entries at most."""

_CHANNELS = {"mono": 1, "stereo": 2}


class Shape(msgspec.Struct, frozen=True):
    """The samples that an encoder is given; what is None is left as it comes."""

    encoder: Encoder
    depth: int
    rate: int | None
    channels: int | None
    from_channels: int | None
    exact: bool
    """The source's samples fit into the depth as they are."""


class Recipe(msgspec.Struct, frozen=True):
    """How a source becomes the audio; without a shape its track is copied, not encoded."""

    output: ResolvedOutput
    stream: AudioStream
    file_type: FileType
    shape: Shape | None
    chapters: bool
    """FFmpeg writes the source's chapters."""
    claim: Claim | None
    """Where, in the source's time, the part that is taken ends, if the source vouches for it."""
    seek: Seek | None = None
    """Where FFmpeg begins to read; None for the beginning."""

    @property
    def begin(self) -> float:
        """Where the part begins, in seconds from where FFmpeg begins to read."""
        start = self.output.trim.start if self.output.trim else 0.0
        return start - self.seek.second if self.seek else start

    @property
    def copied(self) -> bool:
        """Whether the source's own audio is kept."""
        return self.shape is None

    @property
    def shifted(self) -> bool:
        """Whether FFmpeg itself moves the time of the trim to 0: it does so with chapters."""
        return bool(self.output.trim) and (self.copied or self.chapters)

    @property
    def origin(self) -> float:
        """Where the result begins, in seconds from the media's start."""
        if self.output.trim:
            return self.output.trim.start
        return 0.0 if self.copied else self.stream.begins


LOWEST_RATE = 1000
"""Hertz. To resample from less makes so much of one packet that no memory holds it."""

MOST_CHANNELS = 64
"""libswresample mixes no more: SWR_CH_MAX."""


def decide(output: ResolvedOutput, probe: Probe) -> Recipe:
    """Return the recipe.

    Raises:
        Rejected: NO_AUDIO_TRACK if the track, or the part of it, is not there;
            UNSUPPORTED_MEDIA if the original cannot be kept in any file, its codec is unknown,
            or it has a sample rate or channels as no audio has.
    """
    stream = choose_stream(probe.streams, output.track)
    _require_sound(stream.track)
    _require_part(output.trim, stream)
    file_type = _file_type(output, stream.track.codec)
    own = FILES[file_type].chapters is Chapters.OWN
    return Recipe(
        output=output,
        stream=stream,
        file_type=file_type,
        chapters=own and 0 < len(probe.chapters) <= MOST_CHAPTERS,
        shape=None if is_kept(output, stream) else _shape(output, stream),
        claim=_end(stream.claim, output.trim),
    )


def extents_of(recipe: Recipe, probe: Probe, demuxer: Demuxer, gain: str) -> tuple[Extent, ...]:
    """Return how an MP3 can be cut into segments, in the order in which it is to be tried.

    That is in no way, or in some, however many cores there are. A part that FFmpeg itself moves in
    time is cut behind all filters, where samples are counted.
    """
    if recipe.shape is None or recipe.file_type != "mp3" or recipe.shifted:
        return ()
    length = recipe.stream.claim.seconds if recipe.stream.claim else probe.media.duration_seconds
    rate = recipe.shape.rate or recipe.stream.track.sample_rate
    extent = measure(part_seconds(length, recipe.output.trim), rate)
    if extent is None:
        return ()
    fast = recipe.output.preset == "fast"
    share, reading_share = SHARES_OF_FAST if fast else SHARES
    decoded = replace(extent, decoding_share=share)
    if not _leaps(recipe, rate, demuxer, gain):
        return (decoded,)
    return (replace(extent, decoding_share=reading_share, leaps=True), decoded)


def _leaps(recipe: Recipe, rate: int | None, demuxer: Demuxer, gain: str) -> bool:
    """Tell whether a segment might be made without what comes before it.

    No filter may remember that, and each sample has to be one of the source.
    """
    track = recipe.stream.track
    plain = rate == track.sample_rate and not recipe.output.trim and not gain
    return plain and has_leaps(track.codec, demuxer)


def choose_stream(streams: tuple[AudioStream, ...], choice: TrackChoice | None) -> AudioStream:
    """Return the track that is asked for, or the first.

    Raises:
        Rejected: NO_AUDIO_TRACK, with the tracks that there are.
    """
    if not streams:
        raise Rejected(ExitCode.NO_AUDIO_TRACK, "The file has no audio track.")
    if choice is None:
        return streams[0]
    found = next((stream for stream in streams if _is_meant(stream.track, choice)), None)
    if found:
        return found
    wanted = f"{choice.index}" if choice.language is None else f"in {choice.language}"
    there = ", ".join(_name(stream.track) for stream in streams)
    raise Rejected(ExitCode.NO_AUDIO_TRACK, f"There is no audio track {wanted}; there are {there}.")


def _require_sound(track: Track) -> None:
    rate, channels = track.sample_rate, track.channels
    if rate is not None and rate < LOWEST_RATE:
        raise _unsupported(f"A sample rate of {rate} Hz is lower than any audio has.")
    if channels is not None and channels > MOST_CHANNELS:
        raise _unsupported(f"{channels} channels are more than the {MOST_CHANNELS} that are mixed.")
    if track.codec == UNKNOWN:
        raise _unsupported("The audio codec of the file is not supported.")


def _unsupported(sentence: str) -> Rejected:
    return Rejected(ExitCode.UNSUPPORTED_MEDIA, sentence)


def is_kept(output: ResolvedOutput, stream: AudioStream) -> bool:
    """Tell whether the track is what is asked for already, so that encoding could only harm it."""
    if output.format == "original":
        return True
    track = stream.track
    same = (
        track.codec == codec_of(output.format, output.bit_depth or stream.depth)
        and output.sample_rate in {None, track.sample_rate}
        and (output.channels is None or _CHANNELS[output.channels] == track.channels)
    )
    changed = output.trim or output.loudness or output.quality
    return same and not changed and (_is_small(output, track) or _is_as_deep(output, stream))


def _is_small(output: ResolvedOutput, track: Track) -> bool:
    if not (output.bitrate and track.bitrate):
        return False
    return track.bitrate <= COPY_SHARE * 1000 * int(output.bitrate.removesuffix("k"))


def _is_as_deep(output: ResolvedOutput, stream: AudioStream) -> bool:
    lossless = bool(ENCODERS[output.format].sample_formats.get(stream.depth))
    return lossless and output.bit_depth in {None, stream.depth}


def _is_meant(track: Track, choice: TrackChoice) -> bool:
    if choice.language is None:
        return track.index == choice.index
    return track.language is not None and is_spoken(choice.language, track.language)


def _name(track: Track) -> str:
    told = ", ".join(word for word in (track.codec, track.language) if word)
    return f"{track.index} ({told})"


def _require_part(trim: Trim | None, stream: AudioStream) -> None:
    if trim and stream.claim and trim.start >= stream.claim.seconds:
        raise beyond_the_end(trim, stream.claim.seconds)


def beyond_the_end(trim: Trim, seconds: float | None = None) -> Rejected:
    """Return that there is no audio in the part that is asked for."""
    end = "before that" if seconds is None else f"at {seconds:.1f} s"
    return Rejected(
        ExitCode.NO_AUDIO_TRACK,
        f"The part that is asked for starts at {trim.start:.1f} s, and the audio ends {end}.",
    )


def _end(claim: Claim | None, trim: Trim | None) -> Claim | None:
    if claim is None or trim is None or trim.duration is None:
        return claim
    return Claim(min(claim.seconds, trim.start + trim.duration), claim.basis)


def _file_type(output: ResolvedOutput, codec: str) -> FileType:
    if output.format != "original":
        return ENCODERS[output.format].file
    file = original_file(codec)
    if file is None:
        raise Rejected(
            ExitCode.UNSUPPORTED_MEDIA,
            f"There is no file that keeps {codec} audio as it is; ask for another format.",
        )
    return file


def _shape(output: ResolvedOutput, stream: AudioStream) -> Shape:
    encoder, track = ENCODERS[output.format], stream.track
    depth = output.bit_depth or stream.depth
    most = len(encoder.layouts)
    wanted = _CHANNELS[output.channels] if output.channels else track.channels
    return Shape(
        encoder=encoder,
        depth=depth if depth in encoder.sample_formats else 0,
        rate=output.sample_rate or fitting_rate(encoder, track.sample_rate),
        channels=min(wanted, most) if wanted else None,
        from_channels=track.channels,
        exact=stream.whole and not output.loudness,
    )


def holds_picture(recipe: Recipe) -> bool:
    """Tell whether a cover is wanted and has a place in the file.

    A picture has no time, so FFmpeg drops it where it moves the time.
    """
    return recipe.output.cover_art and FILES[recipe.file_type].picture and not recipe.shifted
