"""What an uploader may ask for beside the file, and how the words are read."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import (
    BitDepth,
    Bitrate,
    Channels,
    Format,
    Loudness,
    Output,
    Preset,
    ProfileName,
    Quality,
    SampleRate,
    Tags,
    TrackChoice,
    Trim,
)
from soundstrip_crds.conversion import Notify
from soundstrip_gateway.combinations import contradiction
from soundstrip_gateway.outputs import OutputWish

_CHOICES: dict[str, Any] = {
    "format": Format,
    "preset": Preset,
    "bitrate": Bitrate,
    "quality": Quality,
    "sampleRate": SampleRate,
    "channels": Channels,
    "bitDepth": BitDepth,
}
_NUMBERS = {
    "loudness": (Loudness, "target", "is a number of LUFS from -36 to -5"),
    "truePeak": (Loudness, "truePeak", "is a number of dBTP from -9 to 0"),
    "trimStart": (Trim, "start", "is a number of seconds from 0 to 31536000"),
    "trimDuration": (Trim, "duration", "is a number of seconds from 0.01 to 31536000"),
    "track": (TrackChoice, "index", "is a whole number from 0 to 31"),
}
_LANGUAGE = "language is a language's code, for instance eng."
_TAGS = {
    **{name: name for name in ("title", "artist", "album", "albumArtist", "composer")},
    **{name: name for name in ("genre", "date", "comment")},
    "trackNumber": "track",
}


def _kind_of(struct: Any, word: str) -> Any:  # noqa: ANN401 - types
    """Return the type of a Struct's field, by its name in the object."""
    return next(f.type for f in msgspec.structs.fields(struct) if f.encode_name == word)


_PARTS = {Loudness: "loudness", Trim: "trim", TrackChoice: "track"}
_PROFILE_NAME = "profile is a name of at most 63 lower-case letters, digits and -."
_YES_NO = {"true": True, "false": False}

_MOST_OUTPUTS = 16

YesNo = Literal["true", "false"]

_OUTPUT: dict[str, Any] = {
    "profile": ProfileName,
    **_CHOICES,
    **{name: _kind_of(struct, word) for name, (struct, word, _) in _NUMBERS.items()},
    "language": _kind_of(TrackChoice, "language"),
    "coverArt": YesNo,
    **{name: _kind_of(Tags, word) for name, word in _TAGS.items()},
}

FIELDS: dict[str, Any] = {
    **_OUTPUT,
    "outputs": Annotated[str, Meta(description="several outputs: a list of JSON objects")],
    "notify": YesNo,
}
"""Form fields and query parameters: the name of each, and its type."""


class WishRefused(ValueError):
    """A field asks for what there is not; the sentence says what there is."""


class Wish(msgspec.Struct, frozen=True):
    """How the audio is to be, each a conversion, and whether an e-mail announces it."""

    outputs: tuple[Output, ...] = (Output(),)
    notify: Notify = Notify()


def parse_wish(fields: Mapping[str, str]) -> Wish:
    """Read the fields; what is not said gets the CRD's default.

    Raises:
        WishRefused: If a field is unknown, its value is none of the possible ones, or fields
            contradict each other.
    """
    for name in fields:
        if name not in FIELDS:
            raise WishRefused(f"There is no field {name!r:.60}; there are {', '.join(FIELDS)}.")
    if "truePeak" in fields and "loudness" not in fields:
        raise WishRefused("truePeak goes with loudness.")
    outputs = _parse_outputs(fields) if "outputs" in fields else (_parse_output(fields),)
    return Wish(check_outputs(outputs), Notify(email=_parse_yes_no(fields, "notify")))


def check_outputs(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Return the outputs of one source, if each makes sense and no two are the same.

    Raises:
        WishRefused: If not.
    """
    for output in outputs:
        if sentence := contradiction(output):
            raise WishRefused(f"{sentence[0].upper()}{sentence[1:]}.")
    if not 1 <= len({output.canonical for output in outputs}) == len(outputs) <= _MOST_OUTPUTS:
        raise WishRefused(f"Ask for 1 to {_MOST_OUTPUTS} outputs, each of them once.")
    return tuple(outputs)


def _parse_outputs(fields: Mapping[str, str]) -> tuple[Output, ...]:
    if found := next((name for name in _OUTPUT if name in fields), None):
        raise WishRefused(f"Say {found} inside of outputs, or leave outputs out.")
    try:
        wanted = msgspec.json.decode(fields["outputs"], type=tuple[OutputWish, ...])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise WishRefused(f"outputs is a list of JSON objects: {error}.") from error
    return tuple(output.plain for output in wanted)


def _parse_output(fields: Mapping[str, str]) -> Output:
    """Whether there is such a profile is the operator's to say: it may be made any time."""
    words: dict[str, Any] = {"coverArt": _parse_yes_no(fields, "coverArt")}
    for name, text in fields.items():
        if name == "profile":
            words |= _check({name: text}, Output, _PROFILE_NAME)
        elif name in _CHOICES:
            words[name] = _choose(name, text)
        elif name in _NUMBERS:
            kind, word, bounds = _NUMBERS[name]
            number = _check({word: text}, kind, f"{name} {bounds}.")
            words[_PARTS[kind]] = words.get(_PARTS[kind], {}) | number
        elif name == "language":
            words["track"] = words.get("track", {}) | _check({name: text}, TrackChoice, _LANGUAGE)
        elif name in _TAGS:
            tag = _check({_TAGS[name]: text}, Tags, f"{name} has from 1 to 255 characters.")
            words["metadata"] = words.get("metadata", {}) | tag
    return msgspec.convert(words, Output)


def _check(words: dict[str, Any], kind: Any, sentence: str) -> dict[str, Any]:  # noqa: ANN401 - a Struct's type
    """Return the words as the contract's types, by their names in the object."""
    try:
        checked = msgspec.to_builtins(msgspec.convert(words, kind, strict=False))
    except msgspec.ValidationError as error:
        raise WishRefused(sentence) from error
    return {name: checked[name] for name in words if name in checked}


def _choose(name: str, text: str) -> Any:  # noqa: ANN401 - one of the field's own
    choices = {str(choice): choice for choice in get_args(_CHOICES[name])}
    if text not in choices:
        raise WishRefused(f"{name} is one of {', '.join(choices)}.")
    return choices[text]


def _parse_yes_no(fields: Mapping[str, str], name: str) -> bool:
    word = fields.get(name, "true")
    if word not in _YES_NO:
        raise WishRefused(f"{name} is true or false.")
    return _YES_NO[word]
