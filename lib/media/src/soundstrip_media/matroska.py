"""Matroska and WebM: the bytes that a demuxer reads for a part of a file.

Sound and pictures lie in clusters, block after block, and nothing but the blocks themselves says
where the sound is. So the clusters of a part come whole, and of the rest what is no cluster.
"""

from dataclasses import dataclass

from soundstrip_media.cues import Cues, read_cues, the_number
from soundstrip_media.ebml import (
    CRC,
    SHORTEST_VOID,
    VOID,
    Element,
    read_element,
    read_number,
    void_header,
    walk,
)
from soundstrip_media.layout import HEAD_SECONDS, Layout, Skip, Wanted
from soundstrip_media.ranges import Coverage, Range, merge
from soundstrip_media.reading import Budget, NotUnderstood, Readable

MAGIC = bytes.fromhex("1a45dfa3")

_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_SEEK_HEAD = 0x114D9B74
_INFO = 0x1549A966
_TRACKS = 0x1654AE6B
_CUES = 0x1C53BB6B
_OTHERS = frozenset({0x1941A469, 0x1043A770, 0x1254C367, VOID, CRC})
"""Attachments, chapters, tags and padding."""
_ONLY_ONCE = frozenset({_INFO, _TRACKS, _CUES})
_TOP = _OTHERS | _ONLY_ONCE | {_CLUSTER, _SEEK_HEAD}

_SEEK = 0x4DBB
_SEEK_ID = 0x53AB
_SEEK_POSITION = 0x53AC
_TIMESTAMP_SCALE = 0x2AD7B1
_TRACK_ENTRY = 0xAE
_TRACK_NUMBER = 0xD7
_TRACK_TYPE = 0x83
_VIDEO, _AUDIO = 1, 2
_TIMESTAMP = 0xE7

_MILLISECOND = 1_000_000
_NANOSECONDS = 1_000_000_000
_MOST_ELEMENTS = 1 << 19
"""A key frame a second for a day; some seconds of work."""
_MOST_INDEX_BYTES = 1 << 24
_MOST_TOP = 64
"""Elements other than clusters; honest files have ten."""

_HEAD_BYTES = 6_000_000
"""FFmpeg looks at five million bytes of packets to learn what the tracks are."""
_SLACK_SECONDS = 1.0
"""How much earlier than told a seek may end: frames are shown later than they are decoded."""
_SKEW_SECONDS = 2.0
"""How much later than the pictures beside it a sound may be found in the file."""


def read_matroska(file: Readable, *, grain: int, wanted: Wanted) -> Layout:
    """Find a part of a file; see `read_layout`."""
    if not wanted.seek and wanted.stop is None:
        raise NotUnderstood("its audio is all over the file")
    return _Survey(file, wanted).layout(grain)


@dataclass(frozen=True)
class _Cluster:
    element: Element
    time: int


class _Survey:
    """One look at one file."""

    def __init__(self, file: Readable, wanted: Wanted) -> None:
        self._file = file
        self._wanted = wanted
        self._budget = Budget(_MOST_ELEMENTS, "elements")
        self._segment = self._find_segment()
        self._top: dict[int, Element] = {}
        self._first = self._read_front()
        self._follow_seek_heads()
        self._scale = self._read_scale()

    def layout(self, grain: int) -> Layout:
        """Choose the clusters, and say what lies between."""
        first = self._read_cluster(self._first)
        cues = self._read_cues()
        begin = self._landing(first, cues)
        end = self._end(first, cues)
        if not self._first <= begin <= end:
            raise NotUnderstood("its index is in no order")
        parts = [Range(0, self._head(first)), Range(begin, end)]
        tops = [Range(each.start, each.stop) for each in self._top.values()]
        behind = Range(self._segment.stop, self._file.size)
        needed = merge([*parts, *tops, *([behind] if behind.length else [])])
        return self._lay_out(needed, grain)

    def _lay_out(self, needed: list[Range], grain: int) -> Layout:
        """Widen what is needed to grains, and call skipped what lies between, to the byte."""
        coverage = Coverage(self._file.size, grain)
        stops = [*(each.start for each in needed[1:]), self._segment.stop]
        gaps = [Range(each.stop, stop) for each, stop in zip(needed, stops, strict=True)]
        for each, gap in zip(needed, gaps, strict=True):
            is_long = gap.length >= SHORTEST_VOID
            coverage.add(each.start, each.stop if is_long else max(each.stop, gap.stop))
        skips = [Skip(gap, void_header(gap)) for gap in gaps if gap.length >= SHORTEST_VOID]
        return Layout(
            coverage.ranges(), audio_bytes=0, audio_samples=0, seconds=None, skips=tuple(skips)
        )

    def _find_segment(self) -> Element:
        header = read_element(self._file, 0, self._file.size, self._budget)
        segment = read_element(self._file, header.stop, self._file.size, self._budget)
        if segment.id != _SEGMENT:
            raise NotUnderstood("it has no segment")
        return segment

    def _read_front(self) -> int:
        """Read what comes before the first cluster, and return where that begins."""
        for element in walk(self._file, self._segment.body, self._segment.stop, self._budget):
            if element.id == _CLUSTER:
                return element.start
            self._keep(element)
        raise NotUnderstood("it has no cluster")

    def _keep(self, element: Element) -> None:
        if element.id not in _TOP or element.id == _CLUSTER or len(self._top) == _MOST_TOP:
            raise NotUnderstood("it has elements where there should be others")
        ids = {other.id for other in self._top.values()}
        if element.id in _ONLY_ONCE & ids:
            raise NotUnderstood("it has more than one index")
        if element.id != VOID:
            self._top[element.start] = element

    def _follow_seek_heads(self) -> None:
        """Find what the seek heads lead to, those among it too."""
        waiting = [each for each in self._top.values() if each.id == _SEEK_HEAD]
        while waiting:
            head = waiting.pop()
            for seek in walk(self._file, head.body, head.stop, self._budget):
                if seek.id == _SEEK and (found := self._follow(seek)):
                    waiting += [found] if found.id == _SEEK_HEAD else []

    def _follow(self, seek: Element) -> Element | None:
        parts = list(walk(self._file, seek.body, seek.stop, self._budget))
        wanted = the_number(self._file, parts, _SEEK_ID)
        start = self._segment.body + the_number(self._file, parts, _SEEK_POSITION)
        if start in self._top or wanted == _CLUSTER:
            return None
        element = read_element(self._file, start, self._segment.stop, self._budget)
        if element.id != wanted or start < self._first:
            raise NotUnderstood("its table of contents leads elsewhere")
        self._keep(element)
        return element

    def _the(self, wanted: int) -> Element:
        found = next((each for each in self._top.values() if each.id == wanted), None)
        if found is None:
            raise NotUnderstood("it has no index")
        return found

    def _read_scale(self) -> int:
        info = self._the(_INFO)
        parts = list(walk(self._file, info.body, info.stop, self._budget))
        scale = the_number(self._file, parts, _TIMESTAMP_SCALE, _MILLISECOND)
        if not scale:
            raise NotUnderstood("its time stands still")
        return scale

    def _read_cues(self) -> dict[int, Cues]:
        cues = self._the(_CUES)
        if cues.size > _MOST_INDEX_BYTES:
            raise NotUnderstood("its index is too large")
        return read_cues(self._file, cues, self._segment.body, self._budget)

    def _leading_tracks(self) -> list[int]:
        """Return the tracks whose cues a seek follows: those of video, else those of audio."""
        tracks = self._the(_TRACKS)
        numbers: dict[int, list[int]] = {}
        for entry in walk(self._file, tracks.body, tracks.stop, self._budget):
            if entry.id == _TRACK_ENTRY:
                parts = list(walk(self._file, entry.body, entry.stop, self._budget))
                kind = the_number(self._file, parts, _TRACK_TYPE)
                numbers.setdefault(kind, []).append(the_number(self._file, parts, _TRACK_NUMBER))
        return numbers.get(_VIDEO) or numbers.get(_AUDIO) or []

    def _landing(self, first: _Cluster, cues: dict[int, Cues]) -> int:
        """Return where the earliest cluster begins that a seek may lead to."""
        if not self._wanted.seek:
            return first.element.start
        time = first.time + self._units(self._wanted.seek - _SLACK_SECONDS)
        leading = [cues[track] for track in self._leading_tracks() if track in cues]
        if not leading:
            raise NotUnderstood("its index leads nowhere")
        found = [each.find(time) for each in leading]
        places = [first.element.start if each is None else each for each in found]
        return self._read_cluster(min(places)).element.start

    def _end(self, first: _Cluster, cues: dict[int, Cues]) -> int:
        """Return where the first cluster begins that is later than the part, if there is one."""
        if self._wanted.stop is None:
            return self._segment.stop
        time = first.time + self._units(self._wanted.stop + _SKEW_SECONDS)
        found = [each.find(time) for each in cues.values()]
        return self._later(
            max((each for each in found if each is not None), default=self._first), time
        )

    def _head(self, first: _Cluster) -> int:
        """Return where the beginning ends that every reader looks at."""
        time = first.time + self._units(HEAD_SECONDS)
        return self._later(self._first, time, most=self._first + _HEAD_BYTES)

    def _later(self, start: int, time: float, most: int | None = None) -> int:
        """Go from cluster to cluster, up to one of this time or position."""
        limit = self._segment.stop
        while start < limit and (most is None or start < most):
            element = read_element(self._file, start, limit, self._budget)
            if element.id == _CLUSTER:
                cluster = self._read_cluster(start)
                if cluster.time >= time:
                    return start
            elif element.id not in _TOP:
                raise NotUnderstood("something else is where a cluster should be")
            start = element.stop
        return start

    def _read_cluster(self, start: int) -> _Cluster:
        cluster = read_element(self._file, start, self._segment.stop, self._budget)
        if cluster.id != _CLUSTER or start < self._first:
            raise NotUnderstood("its index leads to no cluster")
        for part in walk(self._file, cluster.body, cluster.stop, self._budget):
            if part.id == _TIMESTAMP:
                return _Cluster(cluster, read_number(self._file, part))
            if part.id not in {CRC, VOID}:
                break
        raise NotUnderstood("a cluster does not begin with its time")

    def _units(self, seconds: float) -> float:
        return seconds * _NANOSECONDS / self._scale
