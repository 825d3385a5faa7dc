"""MP4, M4V, 3GP and QuickTime: the bytes that a demuxer reads for the audio alone.

These are all boxes but media data, the headers of media data, and the samples of the audio tracks,
of chapters and of time codes.
"""

from collections.abc import Iterator

from soundstrip_media.boxes import LONG_HEADER_SIZE, Box, walk
from soundstrip_media.fragments import read_fragment
from soundstrip_media.layout import Layout, Trim
from soundstrip_media.movie import Movie, Track, read_movie
from soundstrip_media.ranges import Coverage
from soundstrip_media.reading import Budget, NotUnderstood, Readable
from soundstrip_media.tables import Extent, find_samples, read_extents

FIRST_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid"}
)

_PADDING = frozenset({b"mdat", b"free", b"skip", b"wide"})
"""What a demuxer skips; of padding it looks at the first bytes, for an index in disguise."""

_MOST_BOXES = 1 << 19
"""Half a day of fragments of a second; some seconds of work."""

_MOST_ENTRIES = 1 << 22
"""Half a day of AAC in which each sample is a chunk of its own; some seconds of work."""

_MOST_INDEX_BYTES = 1 << 26
"""Four times the index of a film of four hours."""

_TAIL_SIZE = 16
"""A fragmented file's last box says how long the index before it is (`mfro`)."""

_SECONDS_BEFORE = 2.0
"""What decoders need to settle (of AAC and Opus, a tenth of a second), and then some."""
_SECONDS_BEHIND = 1.0
_MOST_SHIFT_SECONDS = 1.0
"""An encoder's delay is less; a track that is shifted by more is taken whole."""


def read_mp4(file: Readable, *, grain: int, track: int | None, trim: Trim | None) -> Layout:
    """Find the audio of a file; see `read_layout`."""
    survey = _Survey(file, grain, track)
    survey.walk()
    return survey.layout(trim)


class _Survey:
    """One look at one file."""

    def __init__(self, file: Readable, grain: int, track: int | None) -> None:
        self._file = file
        self._track = track
        self._movie: Movie | None = None
        self._needed = Coverage(file.size, grain)
        self._boxes = Budget(_MOST_BOXES, "boxes")
        self._entries = Budget(_MOST_ENTRIES, "samples")
        self._index_bytes = Budget(_MOST_INDEX_BYTES, "bytes of index")
        self._audio_bytes = self._audio_samples = 0

    def walk(self) -> None:
        """Go through the top of the file, and the fragments on the way."""
        end = 0
        for box in walk(self._file, 0, self._file.size, self._boxes, top=True):
            self._need(box)
            if box.kind == b"moov":
                self._read_movie(box)
            elif box.kind == b"moof":
                self._read_fragment(box)
            end = box.stop
        self._needed.add(end, self._file.size)

    def layout(self, trim: Trim | None) -> Layout:
        """Look up the samples, and return what was found."""
        movie = self._require_movie()
        if movie.fragmented:
            self._needed.add(max(0, self._file.size - _TAIL_SIZE), self._file.size)
        for track in movie.needed(self._track):
            for extent in _read_samples(self._file, track, trim, self._entries):
                self._take(extent, is_sound=track.is_sound)
        if self._audio_bytes > self._file.size:
            raise NotUnderstood("it has more audio than bytes")
        lengths = [t.duration / t.timescale for t in movie.tracks if t.is_sound and t.timescale]
        return Layout(
            ranges=self._needed.ranges(),
            audio_bytes=self._audio_bytes,
            audio_samples=self._audio_samples,
            seconds=max(lengths, default=0.0) or None,
        )

    def _need(self, box: Box) -> None:
        self._needed.add(box.start, min(box.start + LONG_HEADER_SIZE, self._file.size))
        if box.kind not in _PADDING:
            self._index_bytes.spend(box.size)
            self._needed.add(box.start, box.stop)

    def _read_movie(self, moov: Box) -> None:
        if self._movie:
            raise NotUnderstood("it has more than one index")
        self._file.expect(moov.start, moov.stop)
        self._movie = read_movie(self._file, moov, self._boxes)

    def _read_fragment(self, moof: Box) -> None:
        movie = self._require_movie()
        if not movie.fragmented:
            raise NotUnderstood("it has fragments, and does not say so")
        self._file.expect(moof.start, moof.stop)
        sounds = {track.id: track.is_sound for track in movie.needed(self._track)}
        defaults, budgets = movie.default_sizes, (self._boxes, self._entries)
        for number, extent in read_fragment(self._file, moof, defaults, *budgets):
            if number in sounds:
                self._take(extent, is_sound=sounds[number])

    def _require_movie(self) -> Movie:
        if self._movie is None:
            raise NotUnderstood("it has no index before its samples' own")
        return self._movie

    def _take(self, extent: Extent, *, is_sound: bool) -> None:
        self._needed.add(extent.start, extent.stop)
        if is_sound:
            self._audio_bytes += extent.stop - extent.start
            self._audio_samples += extent.samples


def _read_samples(
    file: Readable, track: Track, trim: Trim | None, budget: Budget
) -> Iterator[Extent]:
    if trim is None or not track.is_sound or not _is_plain(track):
        return read_extents(file, track.table, budget)
    shift = track.shift or 0
    start = int((trim.start - _SECONDS_BEFORE) * track.timescale) + shift
    stop = int((trim.stop + _SECONDS_BEHIND) * track.timescale) + shift + 1
    first, last = find_samples(file, track.table, max(0, start), stop, budget)
    return read_extents(file, track.table, budget, first=first, stop=last)


def _is_plain(track: Track) -> bool:
    """Tell whether the track's time is the file's, give or take an encoder's delay."""
    most = _MOST_SHIFT_SECONDS * track.timescale
    return track.timescale > 0 and track.shift is not None and track.shift <= most
