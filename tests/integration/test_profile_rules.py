"""Every rule of the ConversionProfile's CRD on a real API server."""

from typing import Any

import pytest
from tests.api_server import Refused
from tests.kubernetes import Corner

Body = dict[str, Any]


def profile(name: str = "mine", **spec: Any) -> Body:
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "ConversionProfile",
        "metadata": {"name": name},
        "spec": spec,
    }


def test_defaults_are_filled_in(shared_kube: Corner):
    assert shared_kube.try_create(profile())["spec"] == {"default": False, "format": "mp3"}


@pytest.mark.parametrize("rate", [{"bitrate": "320k"}, {"quality": "V9"}])
def test_bitrate_or_quality_is_accepted(shared_kube: Corner, rate: Body):
    assert shared_kube.try_create(profile(**rate))["spec"].items() >= rate.items()


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"bitrate": "128k", "quality": "V0"}, "give bitrate or quality, not both"),
        ({"bitrate": "97k"}, "bitrate"),
        ({"quality": "V10"}, "quality"),
        ({"format": "flac", "bitrate": "128k"}, "flac, wav, alac and original have no bitrate"),
        ({"format": "wma"}, "format"),
        ({"format": "original", "channels": "mono"}, "original keeps the audio as it is"),
        ({"format": "mp3", "bitDepth": 16}, "bitDepth is for flac, wav and alac"),
        ({"sampleRate": 96000}, "mp3 and opus have at most 48000"),
        ({"trim": {"start": 1}}, "unknown field"),
        ({"default": "yes"}, "default"),
        ({"description": "x" * 257}, "description"),
        ({"profile": "other"}, "unknown field"),
    ],
)
def test_what_is_out_of_bounds_is_refused(shared_kube: Corner, spec: Body, word: str):
    with pytest.raises(Refused, match=word):
        shared_kube.try_create(profile(**spec))


def test_a_profile_needs_a_spec(shared_kube: Corner):
    body = profile()
    del body["spec"]
    with pytest.raises(Refused, match="spec"):
        shared_kube.try_create(body)


@pytest.mark.parametrize("name", ["a", "my-voice-2", "a" * 63])
def test_a_name_that_a_conversion_can_say_is_accepted(shared_kube: Corner, name: str):
    assert shared_kube.try_create(profile(name))["metadata"]["name"] == name


@pytest.mark.parametrize("name", ["my.voice", "a" * 64])
def test_a_name_that_no_conversion_could_say_is_refused(shared_kube: Corner, name: str):
    with pytest.raises(Refused, match="the name must have at most 63 characters"):
        shared_kube.try_create(profile(name))


def test_all_of_a_profile_can_change(corner: Corner):
    corner.create(profile(bitrate="128k", default=True, description="Loud."))
    patch = {"bitrate": None, "quality": "V0", "default": False, "description": None}
    changed = corner.patch("conversionprofile", "mine", {"spec": patch})
    assert changed["spec"] == {"format": "mp3", "quality": "V0", "default": False}


def test_the_columns_show_which_is_the_default_and_what_it_makes(corner: Corner):
    corner.create(profile("constant", bitrate="320k", default=True, description="For music."))
    corner.create(profile("variable", quality="V7"))
    head, constant, variable = corner.kubectl("get", "cprof").splitlines()
    assert head.split() == ["NAME", "DEFAULT", "FORMAT", "RATE", "DESCRIPTION", "AGE"]
    assert constant.split()[:6] == ["constant", "true", "mp3", "320k", "For", "music."]
    assert variable.split()[:4] == ["variable", "false", "mp3", "V7"]
