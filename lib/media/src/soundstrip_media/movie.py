"""The `moov` box: which tracks there are, and how their samples are found."""

from dataclasses import dataclass

from soundstrip_media.boxes import Box, Family, read_body, read_number, walk
from soundstrip_media.entries import read_entry
from soundstrip_media.reading import Budget, NotUnderstood, Readable
from soundstrip_media.tables import SampleTable

_SOUND = b"soun"
_VIDEO = b"vide"
_TIMECODE = b"tmcd"
_SELF_CONTAINED = 1
_MOST_REFERENCES = 64
_LEAST_PACKED = 0x400
_UNSPECIFIED = 0x7FFF


@dataclass(frozen=True)
class Track:
    """A track of any kind."""

    id: int
    handler: bytes
    table: SampleTable
    timescale: int
    """Its units of time in a second."""
    duration: int
    """Its length in those units, by the index; 0 if that is in fragments."""
    language: str | None
    """Three letters of ISO 639-2; None where it is told in another way, or not at all."""
    shift: int | None
    """The media time of the track's beginning; None if its edits are more than a beginning."""
    chapters: frozenset[int]
    """The tracks that hold its chapters."""

    @property
    def is_sound(self) -> bool:
        """Whether it is an audio track."""
        return self.handler == _SOUND


@dataclass(frozen=True)
class Movie:
    """What a `moov` says."""

    tracks: tuple[Track, ...]
    default_sizes: dict[int, int]
    """The sample size that each track's fragments have, where they don't say another."""
    fragmented: bool

    def needed(self) -> tuple[Track, ...]:
        """Return the audio tracks, with all that explains them.

        Chapters and time codes are read by whoever opens the file.
        """
        chapters = {other for track in self.tracks for other in track.chapters}
        return tuple(
            track
            for track in self.tracks
            if track.is_sound or track.id in chapters or track.handler == _TIMECODE
        )

    def videos(self) -> tuple[Track, ...]:
        """Return the video tracks."""
        return tuple(track for track in self.tracks if track.handler == _VIDEO)


def read_movie(file: Readable, moov: Box, budget: Budget) -> Movie:
    """Read a `moov`.

    Raises:
        NotUnderstood: If it is compressed, refers to other files, or is contradictory.
    """
    family = Family(file, moov, budget)
    if family.all(b"cmov") or family.all(b"rmra"):
        raise NotUnderstood("its index is compressed, or in other files")
    tracks = tuple(_read_track(file, box, budget) for box in family.all(b"trak"))
    if len({track.id for track in tracks}) != len(tracks):
        raise NotUnderstood("two tracks have the same number")
    extends = family.find(b"mvex")
    defaults = _read_defaults(file, extends, budget) if extends else {}
    return Movie(tracks, defaults, fragmented=extends is not None)


def _read_defaults(file: Readable, extends: Box, budget: Budget) -> dict[int, int]:
    boxes = Family(file, extends, budget).all(b"trex")
    return {read_number(file, box, 4): read_number(file, box, 16) for box in boxes}


def _read_track(file: Readable, trak: Box, budget: Budget) -> Track:
    family = Family(file, trak, budget)
    media = Family(file, family.the(b"mdia"), budget)
    information = Family(file, media.the(b"minf"), budget)
    _require_own_data(file, information, budget)
    handler = read_body(file, media.the(b"hdlr"), 8, 4)
    samples = Family(file, information.the(b"stbl"), budget)
    header = media.the(b"mdhd")
    entry = read_entry(file, samples.the(b"stsd"), sound=handler == _SOUND)
    return Track(
        id=_read_versioned(file, family.the(b"tkhd"), 12, 20),
        handler=handler,
        table=SampleTable.parse(samples, entry),
        timescale=_read_versioned(file, header, 12, 20),
        duration=_read_duration(file, header),
        language=_read_language(file, header),
        shift=_read_shift(file, family.find(b"edts"), budget),
        chapters=_read_chapters(file, family.find(b"tref"), budget),
    )


def _read_versioned(
    file: Readable, box: Box, offset: int, long_offset: int, length: int = 4
) -> int:
    """Read a field that follows times of 4 or 8 bytes."""
    at = long_offset if read_number(file, box, 0, 1) == 1 else offset
    return read_number(file, box, at, length)


def _read_duration(file: Readable, header: Box) -> int:
    """Read the field; all bits are set where the length was not known."""
    at, width = (24, 8) if read_number(file, header, 0, 1) == 1 else (16, 4)
    duration = read_number(file, header, at, width)
    return 0 if duration == (1 << 8 * width) - 1 else duration


def _read_language(file: Readable, header: Box) -> str | None:
    """Read three letters of five bits each; smaller numbers are QuickTime's own codes."""
    code = _read_versioned(file, header, 20, 32, 2)
    if not _LEAST_PACKED <= code < _UNSPECIFIED:
        return None
    return "".join(chr(0x60 + (code >> shift & 0x1F)) for shift in (10, 5, 0))


def _require_own_data(file: Readable, information: Family, budget: Budget) -> None:
    data = Family(file, information.the(b"dinf"), budget)
    references = data.the(b"dref")
    count = read_number(file, references, 4)
    if not 0 < count <= _MOST_REFERENCES:
        raise NotUnderstood("its data references are odd")
    found = list(walk(file, references.body + 8, references.stop, budget))
    flags = [read_number(file, box, 0) for box in found]
    if len(found) != count or not all(each & _SELF_CONTAINED for each in flags):
        raise NotUnderstood("its media are in other files")


def _read_shift(file: Readable, edits: Box | None, budget: Budget) -> int | None:
    """Read an edit list of at most one entry, which plays at normal speed."""
    box = Family(file, edits, budget).find(b"elst") if edits else None
    if box is None:
        return 0
    if read_number(file, box, 4) != 1:
        return None
    width = 8 if read_number(file, box, 0, 1) == 1 else 4
    time = int.from_bytes(read_body(file, box, 8 + width, width), "big", signed=True)
    normal = read_number(file, box, 8 + 2 * width) == 1 << 16
    return time if normal and time >= 0 else None


def _read_chapters(file: Readable, references: Box | None, budget: Budget) -> frozenset[int]:
    box = Family(file, references, budget).find(b"chap") if references else None
    if box is None:
        return frozenset()
    if box.size > 4 * _MOST_REFERENCES:
        raise NotUnderstood("it has too many chapter tracks")
    return frozenset(read_number(file, box, at) for at in range(0, box.size - 3, 4))
