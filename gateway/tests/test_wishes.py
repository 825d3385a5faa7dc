import pytest

from soundstrip_crds.audio import Output
from soundstrip_crds.conversion import Notify
from soundstrip_gateway.wishes import WishRefused, parse_wish


def test_nothing_said_means_the_defaults():
    wish = parse_wish({})
    assert (wish.output, wish.notify) == (Output(), Notify())


@pytest.mark.parametrize("bitrate", ["128k", "192k", "320k"])
def test_a_bitrate_is_taken(bitrate: str):
    assert parse_wish({"bitrate": bitrate}).output.bitrate == bitrate


def test_a_quality_is_taken():
    assert parse_wish({"quality": "V2"}).output == Output(quality="V2")


def test_a_profile_is_taken_whether_there_is_one_or_not():
    assert parse_wish({"profile": "not-yet"}).output == Output(profile="not-yet")


def test_no_e_mail_is_sent_to_who_wants_none():
    assert parse_wish({"notify": "false"}).notify == Notify(email=False)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"bitrate": "999k"}, "112k, 128k, 160k"),
        ({"bitrate": ""}, "112k, 128k, 160k"),
        ({"quality": "v2"}, "V0, V1"),
        ({"notify": "perhaps"}, "true or false"),
        ({"bitrate": "128k", "quality": "V0"}, "not several"),
        ({"profile": "voice", "quality": "V0"}, "not several"),
        ({"profile": "My Voice"}, "lower-case letters"),
        ({"profile": ""}, "lower-case letters"),
        ({"profile": "a" * 64}, "at most 63"),
        ({"birtate": "128k"}, "profile, bitrate, quality, notify"),
    ],
)
def test_a_refusal_says_what_there_is(fields: dict[str, str], sentence: str):
    with pytest.raises(WishRefused, match=sentence):
        parse_wish(fields)
