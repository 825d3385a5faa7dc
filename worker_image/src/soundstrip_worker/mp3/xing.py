"""The first frame of an MP3 file: the Xing or Info header, with LAME's tag in it.

Written field by field as FFmpeg's muxer does (libavformat/mp3enc.c, the same in 5.1 and 7.1), so
that a file joined from parts says what one made at once would. What does not depend on the
length (bit rate of the frame, encoder, delay) is taken over from a frame that FFmpeg wrote.
"""

from fastcrc import crc16

from soundstrip_worker.mp3.frames import Malformed, parse_header

_NAMES = (b"Xing", b"Info")
_FRAMES, _BYTES, _TOC = 8, 12, 16
_DELAYS, _MUSIC_SIZE, _MUSIC_CRC, _TAG_CRC, _END = 141, 148, 152, 154, 156
_TOC_SIZE = 100
_BAGS = 400
_CHECKED = 190
"""Bytes of the frame that the tag's CRC is over, whatever the frame's size."""
_LARGEST = 2**31 - 1
"""FFmpeg counts the bytes of the file in 32 bits."""


class Tag:
    """The header in a file's first frame, as FFmpeg left it."""

    def __init__(self, frame: bytes) -> None:
        """Find the header.

        Raises:
            Malformed: If there is none.
        """
        self._frame = frame
        self._at = parse_header(frame[:4]).side_end
        if frame[self._at : self._at + 4] not in _NAMES or len(frame) < self._at + _END:
            raise Malformed("the first frame holds no Xing or Info header")
        if any(frame[self._at + _END :]):
            raise Malformed("the first frame holds more than the header")
        delays = int.from_bytes(frame[self._at + _DELAYS : self._at + _DELAYS + 3], "big")
        self.delay = delays >> 12
        """Samples before the audio begins."""
        self.padding = delays & 0xFFF
        """Samples after the audio's end."""

    def tell(self, music: "Music", padding: int) -> bytes:
        """Return the frame as it has to be in front of this music.

        Raises:
            Malformed: If it is longer than FFmpeg can say.
        """
        size = len(self._frame) + music.size
        if size > _LARGEST:
            raise Malformed("more bytes than the header can say")
        frame = bytearray(self._frame)
        self._put(frame, 0, b"Xing" if music.has_variable_rate else b"Info")
        self._put(frame, _FRAMES, music.frames.to_bytes(4, "big"))
        self._put(frame, _BYTES, size.to_bytes(4, "big"))
        self._put(frame, _TOC, music.table(len(self._frame)))
        self._put(frame, _DELAYS, (self.delay << 12 | padding).to_bytes(3, "big"))
        self._put(frame, _MUSIC_SIZE, size.to_bytes(4, "big"))
        self._put(frame, _MUSIC_CRC, music.crc.to_bytes(2, "big"))
        self._put(frame, _TAG_CRC, bytes(2))
        checked = bytes(frame[:_CHECKED]).ljust(_CHECKED, b"\0")
        self._put(frame, _TAG_CRC, crc16.arc(checked).to_bytes(2, "big"))
        return bytes(frame)

    def _put(self, frame: bytearray, field: int, value: bytes) -> None:
        frame[self._at + field : self._at + field + len(value)] = value


class Music:
    """What the header tells of the frames that follow it; flat, however many they are."""

    def __init__(self) -> None:
        self.frames = 0
        self.size = 0
        """Bytes of all frames."""
        self.crc = 0
        """CRC-16/ARC over all frames."""
        self.has_variable_rate = False
        self._kilobits = 0
        self._ends: list[int] = []
        self._stride = 1
        self._due = 1

    def add(self, frame: bytes) -> None:
        """Take the next frame."""
        self.frames += 1
        self.size += len(frame)
        self.crc = crc16.arc(frame, self.crc)
        kilobits = parse_header(frame[:4]).kilobits
        self._kilobits = self._kilobits or kilobits
        self.has_variable_rate |= kilobits != self._kilobits
        if self.frames == self._due:
            self._note_end()

    def table(self, offset: int) -> bytes:
        """Return the 100 points of the table of contents, in 256ths of the file.

        `offset` is the size of the first frame, which the ends count too.
        """
        size = offset + self.size
        count = len(self._ends)
        at = (
            [self._ends[n * count // _TOC_SIZE] + offset for n in range(1, _TOC_SIZE)]
            if count
            else []
        )
        return bytes([0, *(min(255, 256 * end // size) for end in at)]).ljust(_TOC_SIZE, b"\0")

    def _note_end(self) -> None:
        """Note where every so manieth frame ends; with 400 noted, drop every other one."""
        self._ends.append(self.size)
        if len(self._ends) == _BAGS:
            self._ends = self._ends[1::2]
            self._stride *= 2
        self._due = self.frames + self._stride
