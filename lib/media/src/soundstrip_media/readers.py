"""The one way in: finds where the audio of a file lies, if its container is one that is known."""

from soundstrip_media.boxes import HEADER_SIZE
from soundstrip_media.layout import Layout, Trim
from soundstrip_media.mp4 import FIRST_BOXES, read_mp4
from soundstrip_media.reading import NotUnderstood, Readable, read_exactly


def read_layout(
    file: Readable, *, grain: int = 1, track: int | None = None, trim: Trim | None = None
) -> Layout:
    """Find the bytes that a demuxer needs for a file's audio.

    The ranges are in whole grains of so many bytes. With `track`, the audio tracks are numbered
    from 0, others than that one are left out. With `trim`, so is what lies more than two seconds
    before the part or one behind it, where the index says for certain.

    Time and memory are bounded, whatever the file holds: some seconds, some megabytes.

    Raises:
        NotUnderstood: If the whole file has to be read.
    """
    head = read_exactly(file, 0, min(HEADER_SIZE, file.size))
    if head[4:] in FIRST_BOXES:
        return read_mp4(file, grain=grain, track=track, trim=trim)
    raise NotUnderstood("its container has no index that is read here")
