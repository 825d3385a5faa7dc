"""MP4, M4V, 3GP and QuickTime: the bytes that a demuxer reads for the audio alone.

These are all boxes but media data, the headers of media data, and the samples of the audio tracks,
of chapters and of time codes.
"""

from soundstrip_media.boxes import LONG_HEADER_SIZE, Box, walk
from soundstrip_media.fragments import read_fragment
from soundstrip_media.layout import Layout, Wanted
from soundstrip_media.movie import Movie, read_movie
from soundstrip_media.parts import Cut, FragmentCut
from soundstrip_media.ranges import Coverage
from soundstrip_media.reading import Budget, NotUnderstood, Readable, read_exactly
from soundstrip_media.tables import Extent, read_extents

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


def read_mp4(file: Readable, *, grain: int, wanted: Wanted) -> Layout:
    """Find the audio of a file; see `read_layout`."""
    survey = _Survey(file, grain, wanted)
    survey.walk()
    return survey.layout()


class _Survey:
    """One look at one file."""

    def __init__(self, file: Readable, grain: int, wanted: Wanted) -> None:
        self._file = file
        self._wanted = wanted
        self._movie: Movie | None = None
        self._fragments: FragmentCut | None = None
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

    def layout(self) -> Layout:
        """Look up the samples, and return what was found."""
        movie = self._require_movie()
        if movie.fragmented:
            self._needed.add(max(0, self._file.size - _TAIL_SIZE), self._file.size)
        cut = Cut(movie, self._wanted)
        for track in movie.needed():
            spans = cut.spans(self._file, track, self._entries)
            for extent in read_extents(self._file, track.table, self._entries, spans):
                self._take(extent, is_sound=track.is_sound)
        for extent in self._fragments.rest() if self._fragments else ():
            self._take(extent, is_sound=True)
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
        if self._fragments is None:
            seekable = self._has_fragment_index()
            self._fragments = FragmentCut(movie, self._wanted, seekable=seekable)
        sounds = {track.id: track.is_sound for track in movie.needed()}
        budgets = (self._boxes, self._entries)
        runs = read_fragment(self._file, moof, movie.default_sizes, *budgets)
        self._fragments.begin([(run.track, run.time) for run in runs])
        for number, time, extent in runs:
            is_sound = sounds.get(number)
            if is_sound is False or (is_sound and self._fragments.needs(number, time, extent)):
                self._take(extent, is_sound=is_sound)

    def _has_fragment_index(self) -> bool:
        return read_exactly(self._file, self._file.size - _TAIL_SIZE, _TAIL_SIZE)[4:8] == b"mfro"

    def _require_movie(self) -> Movie:
        if self._movie is None:
            raise NotUnderstood("it has no index before its samples' own")
        return self._movie

    def _take(self, extent: Extent, *, is_sound: bool) -> None:
        self._needed.add(extent.start, extent.stop)
        if is_sound:
            self._audio_bytes += extent.stop - extent.start
            self._audio_samples += extent.samples
