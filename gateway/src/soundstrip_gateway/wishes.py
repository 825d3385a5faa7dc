"""What an uploader may ask for beside the file, and how the words are read."""

from collections.abc import Mapping
from typing import get_args

import msgspec

from soundstrip_crds.audio import Bitrate, Output, Quality
from soundstrip_crds.conversion import Notify

FIELDS = ("profile", "bitrate", "quality", "notify")
"""Names of form fields and query parameters."""

_OUTPUT_FIELDS = ("profile", "bitrate", "quality")
_CHOICES = {"bitrate": get_args(Bitrate), "quality": get_args(Quality)}

_PROFILE_NAME = "profile is a name of at most 63 lower-case letters, digits and -."

_YES_NO = {"true": True, "false": False}


class WishRefused(ValueError):
    """A field asks for what there is not; the sentence says what there is."""


class Wish(msgspec.Struct, frozen=True):
    """How the audio is to be, and whether an e-mail announces it."""

    output: Output = Output()
    notify: Notify = Notify()


def parse_wish(fields: Mapping[str, str]) -> Wish:
    """Read the fields; what is not said gets the CRD's default.

    Raises:
        WishRefused: If a field is unknown or its value is none of the possible ones.
    """
    for name in fields:
        if name not in FIELDS:
            raise WishRefused(f"There is no field {name!r:.60}; there are {', '.join(FIELDS)}.")
    if len({*_OUTPUT_FIELDS} & fields.keys()) > 1:
        raise WishRefused(f"Give one of {', '.join(_OUTPUT_FIELDS)}, not several.")
    return Wish(output=_parse_output(fields), notify=_parse_notify(fields))


def _parse_output(fields: Mapping[str, str]) -> Output:
    """Whether there is such a profile is the operator's to say: it may be made any time."""
    wanted = {name: fields[name] for name in _OUTPUT_FIELDS if name in fields}
    try:
        return msgspec.convert(wanted, Output)
    except msgspec.ValidationError as error:
        [name] = wanted
        if name == "profile":
            raise WishRefused(_PROFILE_NAME) from error
        raise WishRefused(f"{name} is one of {', '.join(_CHOICES[name])}.") from error


def _parse_notify(fields: Mapping[str, str]) -> Notify:
    word = fields.get("notify", "true")
    if word not in _YES_NO:
        raise WishRefused("notify is true or false.")
    return Notify(email=_YES_NO[word])
