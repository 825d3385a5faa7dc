"""MP3 frames without an encoder: well-formed, and of a toy's sound."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from soundstrip_worker.mp3.cuts import OVERLAP, TAIL, WARM_UP, Segment
from soundstrip_worker.mp3.frames import Malformed
from soundstrip_worker.mp3.joining import Disagreement, Part, join
from soundstrip_worker.mp3.recordings import Recording
from soundstrip_worker.mp3.xing import Music, Tag

_HEADER = bytes.fromhex("fffb9000")
"""MPEG 1, 44,100 Hz, 128 kbit/s, stereo, not padded."""

_SIZE = 417
_SILENT_GAIN = 210
_TAG_AT = 36


def make_frame(sounding: Sequence[int], content: bytes, *, anew: bool = False) -> bytes:
    """Make a frame of two channels, of whose two granules each so many sound.

    After the others a search begins `anew`, as our own LAME says it.
    """
    return (_HEADER + _side_of(*sounding, anew=anew) + content).ljust(_SIZE, b"\0")


@cache
def _side_of(*sounding: int, anew: bool) -> bytes:
    side = 0
    for granule in range(2):
        for count in sounding:
            sounds = granule < count
            length = 100 if sounds else 0
            side = side << 59 | ((length << 17) | _SILENT_GAIN) << 30 | (anew and not sounds)
    return side.to_bytes(32, "big")


def make_header() -> bytes:
    """Make a first frame as FFmpeg begins it: with a delay, and all else to be filled in."""
    frame = bytearray(make_frame((0, 0), b""))
    frame[4:] = bytes(_SIZE - 4)
    frame[_TAG_AT : _TAG_AT + 8] = b"Xing" + (15).to_bytes(4, "big")
    frame[_TAG_AT + 120 : _TAG_AT + 129] = b"Lavf lame"
    frame[_TAG_AT + 141 : _TAG_AT + 144] = (576 << 12).to_bytes(3, "big")
    return bytes(frame)


def make_file(frames: Sequence[bytes], padding: int) -> bytes:
    """Make a whole file, with ID3v2 tag and header."""
    music = Music()
    for frame in frames:
        music.add(frame)
    id3 = b"ID3\x03\x00\x00" + bytes([0, 0, 0, 10]) + bytes(10)
    return id3 + Tag(make_header()).tell(music, padding) + b"".join(frames)


class Toy:
    """An encoder that remembers as LAME does: the last frames, and of each channel its last sound.

    `pattern` says how many frames go on with which channels sounding, as a number of two bits.
    Our own LAME begins `anew` after silence.
    """

    def __init__(
        self,
        pattern: Sequence[tuple[int, int]],
        seed: int,
        forgets_after: int,
        *,
        anew: bool = False,
    ) -> None:
        self.masks = [mask for length, mask in pattern for _ in range(length)]
        self._seed = seed
        self._forgets_after = forgets_after
        self._anew = anew

    def encode(self, segment: Segment) -> Iterator[bytes]:
        """Make a segment's frames; the last three of one with an end hear the silence after it."""
        searches = [0, 0]
        end = len(self.masks) if segment.end is None else segment.end + 1
        for frame in range(segment.start, end):
            mask = self.masks[min(frame, len(self.masks) - 1)]
            chance = blake2b(b"%d/%d" % (self._seed, frame), digest_size=12).digest()
            content = bytearray(chance)
            for channel in range(2):
                if mask >> channel & 1:
                    content += bytes([searches[channel]])
                    searches[channel] = chance[channel] if chance[2] & 1 else searches[channel]
                elif self._anew:
                    searches[channel] = 0
            forgotten = not segment.start or frame - segment.start >= self._forgets_after
            deaf = segment.end is not None and frame > segment.end - 3
            content += bytes([not forgotten, deaf])
            yield make_frame([2 * (mask & 1), mask & 2], bytes(content), anew=self._anew)


_SEGMENTS = (Segment(0, 0, 300 + OVERLAP + TAIL), Segment(300 - WARM_UP, 300, None))
_TOY = Toy([(600, 3)], 5, WARM_UP)
_FILES = tuple(make_file(list(_TOY.encode(segment)), 700) for segment in _SEGMENTS)
_WHOLE = list(_TOY.encode(Segment(0, 0, None)))


def fuzz_joiner(content: bytes) -> None:
    """A fuzzer's target: segments of which up to two bytes are changed, or the end is cut off.

    A CRC of 16 bits is sure to notice no more than that. Joined are the right frames, or none.
    """
    number, at = len(content) % 2, int.from_bytes(content[:3], "big")
    cuts, change = content[3:4] > b"\x80", content[4:6]
    files = list(_FILES)
    where = 20 + at % (len(files[number]) - 22)
    rest = b"" if cuts else files[number][where + len(change) :]
    files[number] = files[number][:where] + change + rest
    with TemporaryDirectory() as directory, suppress(Malformed, Disagreement):
        parts = []
        for n, (segment, changed) in enumerate(zip(_SEGMENTS, files, strict=True)):
            path = Path(directory, str(n))
            path.write_bytes(changed)
            parts.append(Part(segment, Recording(path).frames(None)))
        assert list(join(parts, through_silence=True)) == _WHOLE
