"""Which samples a demuxer reads that seeks: FFmpeg's, to the video's key frame before.

A wrong answer costs time and nothing else: the converter looks where FFmpeg really begins.
"""

from collections.abc import Sequence

from soundstrip_media.layout import ALL, HEAD_SECONDS, SECONDS_BEHIND, Wanted
from soundstrip_media.movie import Movie, Track
from soundstrip_media.reading import Budget, Readable
from soundstrip_media.tables import EVERYTHING, Extent, Span, find_samples, find_sync

_SLACK_SECONDS = 1.0
"""How much earlier than told a seek may end: frames are shown later than they are decoded."""

_SKEW_SECONDS = 0.5
"""How much earlier than the key frame the audio may be taken up."""

_MOST_SHIFT_SECONDS = 1.0
"""An encoder's delay is less; a track that is shifted by more is taken whole."""


def choose(movie: Movie, wanted: Wanted) -> frozenset[int]:
    """Return the numbers of the audio tracks that are wanted for more than what they are."""
    audio = [track for track in movie.tracks if track.is_sound]
    if speaks := wanted.language:
        found = [track for track in audio if track.language and speaks(track.language)][:1]
        audio = found or audio
    elif wanted.track is not None:
        audio = audio[wanted.track : wanted.track + 1]
    return frozenset(track.id for track in audio)


def seconds_of(track: Track, time: int) -> float | None:
    """Return a media time as the file's, in seconds; None if edits make more of it than a shift."""
    return (time - (track.shift or 0)) / track.timescale if is_plain(track) else None


def is_plain(track: Track) -> bool:
    """Tell whether the track's time is the file's, give or take an encoder's delay."""
    most = _MOST_SHIFT_SECONDS * track.timescale
    return track.timescale > 0 and track.shift is not None and track.shift <= most


class Cut:
    """What is needed of a file's samples."""

    def __init__(self, movie: Movie, wanted: Wanted) -> None:
        self._movie = movie
        self._wanted = wanted
        self._chosen = choose(movie, wanted)

    def spans(self, file: Readable, track: Track, budget: Budget) -> Sequence[Span]:
        """Return the samples of a track's table that are needed, in order."""
        if self._wanted == ALL or not track.is_sound or not is_plain(track):
            return EVERYTHING
        head = self._find(file, track, budget, 0.0, HEAD_SECONDS)
        if track.id not in self._chosen:
            return [head]
        begin, stop = self.landing(file, budget), self._wanted.stop
        end = None if stop is None else stop + SECONDS_BEHIND
        part = self._find(file, track, budget, begin, end)
        return [Span(0, part.stop)] if part.first <= head.stop else [head, part]

    def landing(self, file: Readable, budget: Budget) -> float:
        """Return the earliest time that a seek may lead to."""
        if not self._wanted.seek:
            return 0.0
        latest = self._wanted.seek - _SLACK_SECONDS
        times = [_key_frame(file, track, latest, budget) for track in self._movie.videos()]
        return max(0.0, min([latest, *times]) - _SKEW_SECONDS)

    def _find(
        self, file: Readable, track: Track, budget: Budget, start: float, stop: float | None
    ) -> Span:
        scale, shift = track.timescale, track.shift or 0
        begin = max(0, int(start * scale) + shift) if start else 0
        end = None if stop is None else int(stop * scale) + shift + 1
        return find_samples(file, track.table, begin, end, budget)


class FragmentCut:
    """What is needed of a file's fragments, which are looked at one after the other."""

    def __init__(self, movie: Movie, wanted: Wanted, *, seekable: bool) -> None:
        """Take `seekable` for whether an index of the fragments leads to any of them."""
        self._wanted = wanted
        self._seekable = seekable
        self._chosen = choose(movie, wanted)
        self._tracks = {track.id: track for track in movie.tracks}
        self._number = 0
        self._held: list[tuple[int, Extent]] = []

    def begin(self, times: Sequence[tuple[int, int | None]]) -> None:
        """A fragment begins, with these tracks at these times.

        If a seek may lead to it, what was held before is not needed, but for the fragment
        right before: its audio may end later than its video.
        """
        self._number += 1
        latest = self._wanted.seek - _SLACK_SECONDS
        known = [self._seconds(*each) for each in times]
        if self._seekable and all(each is not None and each <= latest for each in known):
            self._held = [held for held in self._held if held[0] >= self._number - 1]

    def needs(self, track: int, time: int | None, extent: Extent) -> bool:
        """Tell whether an audio run is needed for certain; one that may be is held."""
        seconds = self._seconds(track, time)
        if self._wanted == ALL or seconds is None or seconds <= HEAD_SECONDS:
            return True
        stop = self._wanted.stop
        if track in self._chosen and (stop is None or seconds <= stop + SECONDS_BEHIND):
            self._held.append((self._number, extent))
        return False

    def rest(self) -> list[Extent]:
        """Return what was held to the end."""
        return [extent for _, extent in self._held]

    def _seconds(self, track: int, time: int | None) -> float | None:
        known = self._tracks.get(track)
        return seconds_of(known, time) if known and time is not None else None


def _key_frame(file: Readable, track: Track, latest: float, budget: Budget) -> float:
    """Return when the last key frame before a time is decoded."""
    if not is_plain(track):
        return 0.0
    shift = track.shift or 0
    time = find_sync(file, track.table, int(latest * track.timescale) + shift, budget)
    return latest if time is None else (time - shift) / track.timescale
