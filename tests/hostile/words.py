"""Names and texts that are no clean words: in the metadata, and of the file itself."""

from tests.hostile.boxes import box, element, id3, u16, u32
from tests.hostile.case import OK, Case
from tests.hostile.movies import Sound, matroska, movie, track

_NOT_UTF_8 = b"\xff\xfe\xfa\xc3("
_PATH = b"../../../../etc/passwd"
_ESCAPES = b"\x1b[2J\x1b]0;pwned\x07\r\n\0%s%n$(id)`id`"
_LANGUAGE = 0x22B59C


def _itunes(key: bytes, text: bytes) -> bytes:
    return box(key, box(b"data", u32(1), u32(0), text))


def _told(text: bytes) -> bytes:
    """A QuickTime whose every text is this one."""
    items = b"".join(_itunes(key, text) for key in (b"\xa9nam", b"\xa9ART", b"desc", text[:4]))
    meta = box(b"meta", u32(0), box(b"hdlr", bytes(8), b"mdirappl", bytes(9)), box(b"ilst", items))
    user = box(b"\xa9too", u16(len(text)), u16(0), text)
    return movie(Sound(name=text[:200]), extra=box(b"udta", user, meta))


def _tagged(text: bytes) -> bytes:
    tag = element(0x67C8, element(0x45A3, text), element(0x4487, text))
    return matroska(extra=element(0x1254C367, element(0x7373, element(0x63C0), tag)))


def _spoken(language: bytes) -> bytes:
    """A Matroska whose track names its language so."""
    body = track()[9:] + element(_LANGUAGE, language) + element(0x536E, language)
    return matroska(tracks=element(0xAE, body))


def _id3(text: bytes) -> bytes:
    frames = [(kind, b"\3" + text) for kind in (b"TIT2", b"TPE1", b"TALB", b"TLAN")]
    return id3(*frames, (b"TXXX", b"\3" + text + b"\0" + text), (b"PRIV", text))


_TEXTS = {"no utf-8": _NOT_UTF_8, "a path": _PATH, "terminal codes": _ESCAPES}

CASES = (
    *(Case(f"mov that tells {name}", lambda _, t=text: _told(t), OK)
      for name, text in _TEXTS.items()),
    *(Case(f"mkv that tells {name}", lambda _, t=text: _tagged(t), OK)
      for name, text in _TEXTS.items()),
    *(Case(f"mkv in a language that is {name}", lambda _, t=text: _spoken(t), OK)
      for name, text in _TEXTS.items()),
    *(Case(f"mp3 that tells {name}", lambda world, t=text: _id3(t) + world.seeds["mp3"], OK,
           sounds_like="mp3")
      for name, text in _TEXTS.items()),
)  # fmt: skip

FILE_NAMES = (
    "../../etc/passwd.mp4",
    "-y -f concat.mp4",
    "file:|http:\x1b[2J\r\n\t'\"`$(id);&|<>*?\\%s%n%00.mp4",
    "\u202egpm.4pm.exe",
    ".",
    "\N{SKULL AND CROSSBONES}" * 255,
)
"""Names of uploads; the worker must treat them as words."""
