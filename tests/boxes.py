"""MP4 files made box by box: valid ones, of which it is known where the audio lies."""

from collections.abc import Sequence
from dataclasses import dataclass

VIDEO, AUDIO = 1, 2


@dataclass(frozen=True)
class Chunk:
    """Bytes of video, and behind them the audio samples of one chunk."""

    gap: int
    sizes: tuple[int, ...]

    @property
    def length(self) -> int:
        return sum(self.sizes)


@dataclass(frozen=True)
class Form:
    """How a file is written: all forms mean the same."""

    index_first: bool = True
    long_offsets: bool = False
    long_media: bool = False
    size_bits: int = 32
    """32 for a `stsz`, 8 or 16 for a `stz2`."""
    durations: tuple[tuple[int, int], ...] = ()
    """How many samples last how long, in their own time; by default each lasts 1024."""
    edits: tuple[tuple[int, int], ...] = ()
    """The edit list: milliseconds that are shown, and from where in the samples' time."""
    fragments: tuple[Chunk, ...] = ()
    """What follows behind all else."""


@dataclass(frozen=True)
class Made:
    """A file, and where its audio samples are, chunk by chunk."""

    content: bytes
    audio: tuple[range, ...]
    index: range


class Content:
    """A file in memory, as a reader of indexes sees it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]

    def expect(self, start: int, stop: int) -> None:
        pass


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return u32(8 + len(body)) + kind + body


def long_box(kind: bytes, body: bytes) -> bytes:
    return u32(1) + kind + (16 + len(body)).to_bytes(8, "big") + body


def full_box(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return box(kind, u32(flags), *parts)


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def make_mp4(chunks: Sequence[Chunk], form: Form = Form()) -> Made:
    """Make a file of one audio track, and of video without an index."""
    media = b"".join(b"v" * chunk.gap + b"a" * chunk.length for chunk in chunks)
    mdat = long_box(b"mdat", media) if form.long_media else box(b"mdat", media)
    kind = box(b"ftyp", b"isom", u32(0))
    extra = _mvex() if form.fragments else b""
    index = _moov(chunks, [0] * len(chunks), form, extra)
    before = len(kind) + (len(index) if form.index_first else 0)
    audio = _place(chunks, before + len(mdat) - len(media))
    index = _moov(chunks, [each.start for each in audio], form, extra)
    start = len(kind) if form.index_first else len(kind) + len(mdat)
    content = kind + (index + mdat if form.index_first else mdat + index)
    behind, more = _fragments(form.fragments, len(content), base_is_moof=True)
    return Made(content + behind, audio + more, range(start, start + len(index)))


def make_fragmented(fragments: Sequence[Chunk], *, base_is_moof: bool) -> Made:
    """Make a file of fragments, each with a run of video and one of audio."""
    kind = box(b"ftyp", b"iso5", u32(0))
    content = kind + _moov([], [], Form(), extra=_mvex())
    behind, audio = _fragments(fragments, len(content), base_is_moof=base_is_moof)
    return Made(content + behind, audio, range(len(kind), len(content)))


def _fragments(
    fragments: Sequence[Chunk], start: int, *, base_is_moof: bool
) -> tuple[bytes, tuple[range, ...]]:
    content, audio = b"", []
    for each in fragments:
        moof = _moof(each, start + len(content), base_is_moof=base_is_moof)
        at = start + len(content) + len(moof) + 8 + each.gap
        audio.append(range(at, at + each.length))
        content += moof + box(b"mdat", b"v" * each.gap + b"a" * each.length)
    return content, tuple(audio)


def _place(chunks: Sequence[Chunk], start: int) -> tuple[range, ...]:
    places = []
    for chunk in chunks:
        start += chunk.gap
        places.append(range(start, start + chunk.length))
        start += chunk.length
    return tuple(places)


def _moov(chunks: Sequence[Chunk], offsets: Sequence[int], form: Form, extra: bytes = b"") -> bytes:
    header = full_box(b"mvhd", bytes(8), u32(1000), bytes(84))
    return box(b"moov", header, _trak(AUDIO, chunks, offsets, form), extra)


def _trak(track: int, chunks: Sequence[Chunk], offsets: Sequence[int], form: Form) -> bytes:
    reference = full_box(b"dref", u32(1), full_box(b"url ", flags=1))
    tables = _tables(chunks, offsets, form)
    information = box(b"minf", box(b"dinf", reference), box(b"stbl", *tables))
    handler = full_box(b"hdlr", u32(0), b"soun", bytes(13))
    header = full_box(b"mdhd", u32(0), u32(0), u32(48000), u32(0), u32(0))
    track_header = full_box(b"tkhd", u32(0), u32(0), u32(track), bytes(68))
    media = box(b"mdia", header, handler, information)
    return box(b"trak", track_header, _edit_list(form.edits), media)


def _edit_list(edits: Sequence[tuple[int, int]]) -> bytes:
    entries = (u32(shown) + u32(start % 2**32) + u32(1 << 16) for shown, start in edits)
    return box(b"edts", full_box(b"elst", u32(len(edits)), *entries)) if edits else b""


def _tables(chunks: Sequence[Chunk], offsets: Sequence[int], form: Form) -> list[bytes]:
    sizes = [size for chunk in chunks for size in chunk.sizes]
    width = 8 if form.long_offsets else 4
    places = b"".join(offset.to_bytes(width, "big") for offset in offsets)
    runs = _runs([len(chunk.sizes) for chunk in chunks])
    durations = form.durations or (((len(sizes), 1024),) if sizes else ())
    sound = bytes(8) + u16(2) + u16(16) + bytes(4) + u32(48000 << 16)
    entry = box(b"mp4a", bytes(6), u16(1), sound)
    return [
        full_box(b"stsd", u32(1), entry),
        full_box(b"stts", u32(len(durations)), *(u32(n) for each in durations for n in each)),
        full_box(b"stsc", u32(len(runs)), *(u32(n) for run in runs for n in (*run, 1))),
        _sizes(sizes, form.size_bits),
        full_box(b"co64" if form.long_offsets else b"stco", u32(len(offsets)), places),
    ]


def _sizes(sizes: Sequence[int], bits: int) -> bytes:
    entries = b"".join(size.to_bytes(bits // 8, "big") for size in sizes)
    kind = b"stsz" if bits == 32 else b"stz2"
    return full_box(kind, u32(0 if bits == 32 else bits), u32(len(sizes)), entries)


def _runs(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Number the chunks from 1; name those whose length is not that of the one before."""
    pairs = enumerate(zip([None, *lengths], lengths, strict=False), 1)
    return [(number, length) for number, (before, length) in pairs if length != before]


def _mvex() -> bytes:
    tracks = (full_box(b"trex", u32(n), u32(1), u32(1024), u32(0), u32(0)) for n in (VIDEO, AUDIO))
    return box(b"mvex", *tracks)


def _moof(fragment: Chunk, start: int, *, base_is_moof: bool) -> bytes:
    """The offset of the first run is known when the size of all is, which does not depend on it."""

    def write(length: int) -> bytes:
        base = b"" if base_is_moof else start.to_bytes(8, "big")
        flags = 0x20000 if base_is_moof else 0x1

        def traf(track: int, sizes: Sequence[int], offset: int) -> bytes:
            header = full_box(b"tfhd", u32(track), base, flags=flags)
            entries = (u32(size) for size in sizes)
            run = full_box(b"trun", u32(len(sizes)), u32(offset), *entries, flags=0x201)
            return box(b"traf", header, run)

        video = traf(VIDEO, [fragment.gap], length + 8)
        audio = traf(AUDIO, fragment.sizes, length + 8 + fragment.gap)
        return box(b"moof", full_box(b"mfhd", u32(1)), video, audio)

    return write(len(write(0)))
