"""What a file is, by its first bytes: its name and the client's word count for nothing."""

import re

SNIFF_BYTES = 1024
"""How much of a file `sniff` wants to see; a shorter file is judged by what there is."""

_STILL_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"heif", b"mif1", b"msf1", b"jxl ")
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4V ": "video/x-m4v",
    b"M4VH": "video/x-m4v",
    b"M4VP": "video/x-m4v",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
}
_PREFIXES = (
    (b"FLV\x01", "video/x-flv"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "video/x-ms-asf"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"OggS", "application/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"riff\x2e\x91\xcf\x11", "audio/x-w64"),
    (b"caff\x00", "audio/x-caf"),
    (b".snd\x00", "audio/basic"),
    (b"#!AMR", "audio/amr"),
    (b"\x0b\x77", "audio/ac3"),
)
_RIFF_FORMS = {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav"}
_EBML = b"\x1a\x45\xdf\xa3"
_OLD_QUICKTIME = (b"moov", b"wide", b"free", b"skip", b"pnot")
_NO_MEDIA = ("text/", "image/", "font/", "model/", "message/")
_NO_MEDIA_SUFFIXES = {"json", "xml", "pdf", "zip", "gzip", "tar", "javascript", "msword", "rtf"}
_SUFFIX = re.compile(r"[/+]|x-")
_MISTAKEN = {"text/vnd.trolltech.linguist"}
"""What desktops call an MPEG transport stream for its `.ts`."""

_TRANSPORT_PACKETS = ((0, 188), (4, 192))
"""Where the first sync byte stands and how far the next one is: plain, and with time codes."""


def sniff(head: bytes) -> str | None:
    """Return the media type of a video or audio file that begins so; None for anything else.

    Sources of the signatures: ISO/IEC 14496-12 (ftyp), QuickTime File Format, RFC 8794 and 9559
    (Matroska), ISO/IEC 13818-1 (MPEG streams), RFC 3533 (Ogg), RFC 9639 (FLAC), ID3v2,
    ATSC A/52 (AC-3), RFC 4867 (AMR), Apple's Core Audio Format and AIFF, Sony's Wave64.
    """
    for prefix, media_type in _PREFIXES:
        if head.startswith(prefix):
            return media_type
    return (
        _sniff_boxes(head)
        or _sniff_ebml(head)
        or _sniff_riff(head)
        or _sniff_aiff(head)
        or _sniff_transport_stream(head)
        or _sniff_frames(head)
    )


def denies_media(declared: str) -> bool:
    """Say whether a media type is one that no video or audio has.

    Which of the media types it is does not matter, nor one that says nothing, such as
    application/octet-stream or what curl sends of itself: the first bytes count.
    """
    kind = declared.lower()
    if kind in _MISTAKEN:
        return False
    if kind.startswith(_NO_MEDIA):
        return True
    return kind.startswith("application/") and _SUFFIX.split(kind)[-1] in _NO_MEDIA_SUFFIXES


def _sniff_boxes(head: bytes) -> str | None:
    kind, brand = head[4:8], head[8:12]
    if kind == b"ftyp":
        return None if brand in _STILL_PICTURES else _BRANDS.get(brand, "video/mp4")
    # Before `ftyp` there was QuickTime; a small first box tells it from text with these letters.
    if kind == b"mdat" or (kind in _OLD_QUICKTIME and head[0] == 0):
        return "video/quicktime"
    return None


def _sniff_ebml(head: bytes) -> str | None:
    if not head.startswith(_EBML):
        return None
    document_type = head[:64].partition(b"\x42\x82")[2]
    if document_type[1:5] == b"webm":
        return "video/webm"
    return "video/x-matroska" if document_type[1:9] == b"matroska" else None


def _sniff_riff(head: bytes) -> str | None:
    return _RIFF_FORMS.get(head[8:12]) if head[:4] in {b"RIFF", b"RF64"} else None


def _sniff_aiff(head: bytes) -> str | None:
    return "audio/aiff" if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"} else None


def _sniff_transport_stream(head: bytes) -> str | None:
    for start, step in _TRANSPORT_PACKETS:
        syncs = head[start::step]
        if len(syncs) > 1 and not syncs.strip(b"\x47"):
            return "video/mp2t"
    return None


def _sniff_frames(head: bytes) -> str | None:
    if len(head) < 4 or head[0] != 0xFF:  # noqa: PLR2004 - 4 bytes of header, 8 bits of sync
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - ADTS: sync and layer 0
        return "audio/aac"
    return "audio/mpeg" if _begins_mpeg_audio(head[1], head[2]) else None


def _begins_mpeg_audio(second: int, third: int) -> bool:
    """Tell a frame header of layer II or III; UTF-16's byte order mark would be layer I."""
    synchronized = second & 0xE0 == 0xE0  # noqa: PLR2004 - the last 3 of 11 sync bits
    version, layer = second >> 3 & 3, second >> 1 & 3
    bitrate, sample_rate = third >> 4, third >> 2 & 3
    possible = version != 1 and layer in {1, 2} and 0 < bitrate < 15 and sample_rate != 3  # noqa: PLR2004 - reserved values of ISO/IEC 11172-3
    return synchronized and possible
