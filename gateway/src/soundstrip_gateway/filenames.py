"""Names of files: what is safe to keep of an uploader's, and how a download says its own."""

import re
import unicodedata
from urllib.parse import quote

MAX_BYTES = 255
"""What a file system takes for one name, in UTF-8."""

_DEFAULT = "upload"
_LONGEST_EXTENSION = 16
_NOT_FOR_NAMES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories: controls, direction overrides, halves of pairs, line breaks."""

_UNSAFE_IN_QUOTES = re.compile(r'[^\x20-\x7e]|["\\%]')
_RFC_8187_ATTR_CHAR = "!#$&+-.^_`|~"


def clean_filename(name: str | None) -> str:
    """Return a name without folders, controls or blanks around it: 1 to 255 bytes of UTF-8."""
    last = re.split(r"[/\\]", name or "")[-1]
    normal = unicodedata.normalize("NFC", last)
    printable = "".join(c for c in normal if unicodedata.category(c) not in _NOT_FOR_NAMES)
    return _shorten(printable.strip(". \t\u00a0")) or _DEFAULT


def _shorten(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _LONGEST_EXTENSION:
        return _cut(name, MAX_BYTES)
    return _cut(stem, MAX_BYTES - len((dot + extension).encode())) + dot + extension


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore").rstrip()


def attachment(filename: str) -> str:
    """Return the Content-Disposition of a download (RFC 6266), with the full name by RFC 8187."""
    plain = _UNSAFE_IN_QUOTES.sub("_", filename)
    header = f'attachment; filename="{plain}"'
    if plain == filename:
        return header
    return f"{header}; filename*=UTF-8''{quote(filename, safe=_RFC_8187_ATTR_CHAR)}"
