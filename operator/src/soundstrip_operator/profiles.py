"""Which profile an output means, and what is made by it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec

from soundstrip_crds.audio import Output, ResolvedOutput
from soundstrip_crds.conversion import Metadata
from soundstrip_crds.profile import BUILT_IN, ProfileSpec, choose_default


@dataclass(frozen=True)
class Unreadable:
    """A profile of a version that this operator does not know; the cause names the field."""

    cause: str


@dataclass(frozen=True)
class Profile:
    """A ConversionProfile of the namespace, as it was seen last."""

    metadata: Metadata
    claims_default: bool
    spec: ProfileSpec | Unreadable

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "Profile":
        """Parse what the API server sent; a spec that can't be read is no reason to overlook it."""
        spec = body.get("spec", {})
        metadata = msgspec.convert(body["metadata"], Metadata)
        return cls(metadata, claims_default=spec.get("default") is True, spec=_read(spec))

    @property
    def name(self) -> str:
        """What conversions call it."""
        return self.metadata.name

    @property
    def version(self) -> int:
        """How new this is, among the states of all objects."""
        return int(self.metadata.resource_version or 0)


@dataclass(frozen=True)
class Unresolved:
    """What is asked for can't be made now; the cause says why, and what could be asked for."""

    cause: str


def resolve(output: Output, profiles: Collection[Profile]) -> ResolvedOutput | Unresolved:
    """Return what an output means where there are these profiles, in whatever order."""
    if not output.needs_profile:
        return output.resolve()
    found = {profile.name: profile.spec for profile in profiles}
    known: dict[str, ProfileSpec | Unreadable] = {**BUILT_IN, **found}
    name = output.profile or choose_default(p.metadata for p in profiles if p.claims_default)
    spec = known.get(name)
    match spec:
        case ProfileSpec():
            return output.resolve(spec, name)
        case Unreadable(cause):
            return Unresolved(f"This operator can't read the profile {name} ({cause})")
        case None:
            there_are = ", ".join(sorted(known))
            return Unresolved(f"There is no profile {name}; there are {there_are}")
        case _ as never:
            assert_never(never)


def _read(spec: dict[str, Any]) -> ProfileSpec | Unreadable:
    try:
        return msgspec.convert(spec, ProfileSpec)
    except msgspec.ValidationError as error:
        return Unreadable(str(error))
