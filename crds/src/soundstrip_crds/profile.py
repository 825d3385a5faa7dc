"""ConversionProfile in Python: the fields and bounds of the CRD's YAML, held to it by a test."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import DEFAULT_FORMAT, Encoding, Format
from soundstrip_crds.conversion import Metadata

STANDARD = "standard"
"""The default where no object claims to be it."""


class ProfileSpec(Encoding, frozen=True):
    """The audio that a profile stands for; all of it can change."""

    description: Annotated[str, Meta(max_length=256)] | None = None
    default: bool = False
    format: Format = DEFAULT_FORMAT


class ConversionProfile(msgspec.Struct, frozen=True, rename="camel"):
    """A name for a kind of audio."""

    metadata: Metadata
    spec: ProfileSpec


BUILT_IN: Mapping[str, ProfileSpec] = MappingProxyType(
    {
        STANDARD: ProfileSpec(bitrate="192k"),
        "high": ProfileSpec(bitrate="320k"),
        "small": ProfileSpec(bitrate="128k"),
        "voice": ProfileSpec(quality="V7"),
    }
)
"""The profiles that need no object; one of such a name takes its place."""

_LAST = datetime.max.replace(tzinfo=UTC)


def choose_default(claimants: Iterable[Metadata]) -> str:
    """Return the default's name: of those that claim it the oldest, then the first by name."""
    claims = ((one.creation_timestamp or _LAST, one.name) for one in claimants)
    return min(claims, default=(_LAST, STANDARD))[1]
