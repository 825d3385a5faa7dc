"""The one way in: finds where the audio of a file lies, if its container is one that is known."""

from soundstrip_media.boxes import HEADER_SIZE
from soundstrip_media.layout import ALL, Layout, Wanted
from soundstrip_media.matroska import MAGIC, read_matroska
from soundstrip_media.mp4 import FIRST_BOXES, read_mp4
from soundstrip_media.reading import NotUnderstood, Readable, read_exactly


def read_layout(file: Readable, *, grain: int = 1, wanted: Wanted = ALL) -> Layout:
    """Find the bytes that a demuxer needs for a file's audio, or for what is wanted of it.

    The ranges are in whole grains of so many bytes. What is not wanted is left out where the index
    says for certain where it lies, but for the beginning of each track.

    Time and memory are bounded, whatever the file holds: some seconds, some megabytes.

    Raises:
        NotUnderstood: If the whole file has to be read.
    """
    head = read_exactly(file, 0, min(HEADER_SIZE, file.size))
    if head[4:] in FIRST_BOXES:
        return read_mp4(file, grain=grain, wanted=wanted)
    if head[:4] == MAGIC:
        return read_matroska(file, grain=grain, wanted=wanted)
    raise NotUnderstood("its container has no index that is read here")
