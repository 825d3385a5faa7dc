"""ConversionProfile in Python: the fields and bounds of the CRD's YAML, held to it by a test."""

from typing import Annotated

from msgspec import Meta

from soundstrip_crds.audio import DEFAULT_FORMAT, Encoding, Format


class ProfileSpec(Encoding, frozen=True):
    """The audio that a profile stands for; all of it can change."""

    description: Annotated[str, Meta(max_length=256)] | None = None
    default: bool = False
    format: Format = DEFAULT_FORMAT
