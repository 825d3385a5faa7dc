"""What may come in: by its size before it comes, by its first bytes before the rest does."""

from soundstrip_gateway.mediatypes import denies_media, sniff
from soundstrip_gateway.refusals import unprocessable, unsupported_media

LEAST_BYTES = 64
"""A shorter file can't hold a header and a sample of sound."""


def check_length(length: int) -> None:
    """Return if a file of this length can be media.

    Raises:
        Problem: 422 if it is empty or too short.
    """
    if not length:
        raise unprocessable("The file is empty.")
    if length < LEAST_BYTES:
        raise unprocessable(
            f"The file has {length} bytes, which is too short for video or audio; "
            "was all of it sent?"
        )


def check_declared(declared: str | None) -> None:
    """Return if what the uploader calls the file does not deny that it is media.

    Raises:
        Problem: 415 if it does.
    """
    if declared is not None and denies_media(declared):
        raise unsupported_media(
            f"The file is declared as {declared:.80}, which is no video or audio; "
            "declare what it is, or nothing."
        )


def check_head(head: bytes) -> str:
    """Return the media type of a file that begins so.

    Raises:
        Problem: 415 if it is none that is known here.
    """
    media_type = sniff(head)
    if media_type is None:
        raise unsupported_media()
    return media_type
