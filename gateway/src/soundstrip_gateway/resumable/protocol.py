"""The words of tus 1.0.0: headers of requests, read and checked."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soundstrip_gateway.refusals import malformed
from soundstrip_service.problems import Problem

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum"
BODY_TYPE = "application/offset+octet-stream"

_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "md5": hashlib.md5}
ALGORITHMS = ",".join(_ALGORITHMS)

MISMATCH = 460
"""The protocol's own status: the body is not what its checksum says."""

_FILENAMES = ("filename", "name")
_TYPES = ("filetype", "type", "contentType")
_UNUSED = ("relativePath",)
"""What public clients send of themselves beside what they are told to."""

_MAX_DIGITS = 18


@dataclass(frozen=True)
class About:
    """What Upload-Metadata says: the file's name and declared type, and the fields of a wish."""

    filename: str | None
    declared: str | None
    fields: Mapping[str, str]


class Proof:
    """The checksum of one request's body, as it is told and as it comes."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._hash: Any = _ALGORITHMS[algorithm](usedforsecurity=False)
        self._expected = expected

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(data)

    @property
    def holds(self) -> bool:
        """Whether what came is what was told."""
        return hmac.compare_digest(self._hash.digest(), self._expected)


def check_version(told: str | None) -> None:
    """Return if the client speaks this version.

    Raises:
        Problem: 412 if it does not.
    """
    if told != VERSION:
        raise Problem(
            412,
            "Precondition Failed",
            f"Say which version of tus you speak: `Tus-Resumable: {VERSION}`.",
            slug="tus-version",
            headers={"Tus-Version": VERSION},
        )


def parse_number(name: str, text: str | None) -> int | None:
    """Return the number in a header; None if there is none.

    Raises:
        Problem: 400 if it is no whole number from 0.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise malformed(f"{name} is a whole number of bytes.")
    return int(text)


def parse_length(text: str | None, deferred: str | None) -> int | None:
    """Return the length of an upload that is begun; None if it is told later.

    Raises:
        Problem: 400 if neither the length nor that it comes later is said, or both.
    """
    length = parse_number("Upload-Length", text)
    if (length is None) == (deferred is None) or deferred not in {None, "1"}:
        raise malformed("Send Upload-Length, or Upload-Defer-Length: 1.")
    return length


def parse_about(text: str | None) -> About:
    """Read Upload-Metadata.

    Raises:
        Problem: 400 if it can't be read.
    """
    words = dict(_parse_pair(pair) for pair in (text or "").split(",") if pair.strip())
    filename, declared = _take(words, _FILENAMES), _take(words, _TYPES)
    _take(words, _UNUSED)
    return About(filename, declared, words)


def parse_proof(text: str | None) -> Proof | None:
    """Read Upload-Checksum; None if there is none.

    Raises:
        Problem: 400 if it can't be read, or the algorithm is none of those that are known.
    """
    if text is None:
        return None
    algorithm, _, digest = text.partition(" ")
    if algorithm not in _ALGORITHMS:
        raise malformed(f"Upload-Checksum is one of {ALGORITHMS}, and the digest in Base64.")
    return Proof(algorithm, _decode(digest))


def _parse_pair(pair: str) -> tuple[str, str]:
    name, _, value = pair.strip().partition(" ")
    try:
        return name, _decode(value).decode()
    except UnicodeDecodeError as error:
        raise malformed(f"Upload-Metadata: {name!r:.60} is no UTF-8.") from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed("Upload-Metadata and Upload-Checksum hold Base64.") from error


def _take(words: dict[str, str], names: tuple[str, ...]) -> str | None:
    """Take all of these words out, and return the first that says something."""
    found = [words.pop(name, "") for name in names]
    return next(filter(None, found), None)
