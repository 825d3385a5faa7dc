"""An MP3 file as FFmpeg's muxer writes it, read once and held against what its own header says."""

from collections.abc import Iterator
from pathlib import Path

from soundstrip_worker.mp3.frames import Malformed, parse_header, read_id3, walk
from soundstrip_worker.mp3.xing import Music, Tag


class Recording:
    """A file with a header in its first frame; the file may have an ID3v2 tag before it."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            Malformed: If the file does not begin so.
        """
        self._path = path
        with path.open("rb") as file:
            self.header_start = len(read_id3(file))
            self._header = next(walk(file), b"")
        self.tag = Tag(self._header)
        self._music_start = self.header_start + len(self._header)
        self.rate = parse_header(self._header[:4]).rate

    def head(self) -> bytes:
        """Return all that is before the frames."""
        with self._path.open("rb") as file:
            return file.read(self._music_start)

    def frames(self, samples: int | None) -> Iterator[bytes]:
        """Yield the frames after the header.

        Raises:
            Malformed: At the end at the latest, if these are not the frames that the header is
                about, to the last byte, or of another number of samples than the one given.
        """
        music = Music()
        with self._path.open("rb") as file:
            file.seek(self._music_start)
            for frame in walk(file):
                music.add(frame)
                yield frame
        if self.tag.tell(music, self.tag.padding) != self._header:
            raise Malformed("a segment is not what its header says")
        whole = music.frames * parse_header(self._header[:4]).samples
        if samples not in {None, whole - self.tag.delay - self.tag.padding}:
            raise Malformed("a segment has too few samples")
