"""Packets of AAC that a segment's FFmpeg need not decode: those before its first sample.

Our FFmpeg gives a packet the same samples wherever decoding began, but for the first one behind
the leap (`leaps.patch`). With `-leaps 1` it fails where a packet is not plain AAC-LC, has not 1,024
samples, all of them wanted, or changes what follows; so that those that are left out are known by
their number. No packet is left out by all segments, so none is unlike that in any of them.
"""

import msgspec

from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.mp3.cuts import Span

_SAMPLES = 1024
"""Of a packet (ISO/IEC 14496-3, 4.4.1, `frameLengthFlag` 0)."""

_KEPT = 8
"""Packets at the beginning that are decoded, as in `leaps.patch`: some samples are skipped."""

_DEMUXERS = frozenset({Demuxer.MOV, Demuxer.MATROSKA})
"""They have one frame of AAC in a packet, and its description in their headers."""


class Leap(msgspec.Struct, frozen=True):
    """How many packets are left out, behind the first ones."""

    packets: int

    @property
    def options(self) -> dict[str, object]:
        """Return the options of an input whose audio is to be decoded so."""
        return {"leaps": 1} | ({"bsf:a": self._drop} if self.packets else {})

    @property
    def _drop(self) -> str:
        return f"noise=drop='between(n,{_KEPT},{_KEPT + self.packets - 1})'"

    def span(self, span: Span) -> Span:
        """Return where a span lies among the samples that are left."""
        missing = self.packets * _SAMPLES
        return Span(span.start - missing, None if span.end is None else span.end - missing)


def leap_to(span: Span) -> Leap:
    """Return the leap to a span of a source's own samples.

    Up to one more packet than these samples need is decoded, for a packet's first half is mixed
    with the one's before it; and more if samples are skipped at the source's beginning.
    """
    return Leap(max(0, span.start // _SAMPLES - 1 - _KEPT))


def has_leaps(codec: str | None, demuxer: Demuxer) -> bool:
    """Tell whether a track may have packets that can be left out."""
    return codec == "aac" and demuxer in _DEMUXERS
