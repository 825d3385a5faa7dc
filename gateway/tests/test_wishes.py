import pytest

from soundstrip_crds.audio import Loudness, Output, Tags, TrackChoice, Trim
from soundstrip_crds.conversion import Notify
from soundstrip_gateway.forms import _MAX_FIELDS
from soundstrip_gateway.wishes import FIELDS, WishRefused, parse_wish


def test_nothing_said_means_the_defaults():
    wish = parse_wish({})
    assert (wish.outputs[0], wish.notify) == (Output(), Notify())


@pytest.mark.parametrize("bitrate", ["128k", "192k", "320k"])
def test_a_bitrate_is_taken(bitrate: str):
    assert parse_wish({"bitrate": bitrate}).outputs[0].bitrate == bitrate


def test_a_quality_is_taken():
    assert parse_wish({"quality": "V2"}).outputs[0] == Output(quality="V2")


def test_a_profile_is_taken_whether_there_is_one_or_not():
    assert parse_wish({"profile": "not-yet"}).outputs[0] == Output(profile="not-yet")


def test_every_word_has_a_field():
    fields = {
        "format": "flac",
        "preset": "high",
        "sampleRate": "48000",
        "channels": "mono",
        "bitDepth": "24",
        "loudness": "-16",
        "truePeak": "-1.5",
        "trimStart": "1.25",
        "trimDuration": "3",
        "language": "eng",
        "coverArt": "false",
        "title": "A talk",
        "trackNumber": "3/9",
    }
    assert parse_wish(fields).outputs[0] == Output(
        format="flac",
        preset="high",
        sample_rate=48000,
        channels="mono",
        bit_depth=24,
        loudness=Loudness(target=-16, true_peak=-1.5),
        trim=Trim(start=1.25, duration=3),
        track=TrackChoice(language="eng"),
        metadata=Tags(title="A talk", track="3/9"),
        cover_art=False,
    )
    assert parse_wish({"track": "0"}).outputs[0] == Output(track=TrackChoice(index=0))


def test_a_part_of_the_source_goes_with_a_profile():
    wish = parse_wish({"profile": "voice", "trimStart": "1", "title": "A talk"})
    assert wish.outputs[0] == Output(
        profile="voice", trim=Trim(start=1), metadata=Tags(title="A talk")
    )


def test_every_field_has_room_in_a_form():
    assert len(FIELDS) < _MAX_FIELDS


def test_no_e_mail_is_sent_to_who_wants_none():
    assert parse_wish({"notify": "false"}).notify == Notify(email=False)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"bitrate": "999k"}, "112k, 128k, 160k"),
        ({"bitrate": ""}, "112k, 128k, 160k"),
        ({"quality": "v2"}, "V0, V1"),
        ({"notify": "perhaps"}, "true or false"),
        ({"bitrate": "128k", "quality": "V0"}, "Give bitrate or quality, not both."),
        ({"profile": "voice", "quality": "V0"}, "Give a profile, or say how"),
        ({"format": "wma"}, "mp3, m4a, opus, ogg, flac, wav, alac, original"),
        ({"sampleRate": "44101"}, "44100, 48000"),
        ({"loudness": "-4"}, "LUFS from -36 to -5"),
        ({"loudness": "nan"}, "LUFS from -36 to -5"),
        ({"loudness": "-16", "truePeak": "1"}, "dBTP from -9 to 0"),
        ({"truePeak": "-1"}, "truePeak goes with loudness"),
        ({"trimStart": "-1"}, "seconds from 0"),
        ({"trimDuration": "0"}, "seconds from 0.01"),
        ({"track": "1.5"}, "whole number from 0 to 31"),
        ({"language": "not a language"}, "eng"),
        ({"track": "1", "language": "eng"}, "one of the two"),
        ({"coverArt": "no"}, "coverArt is true or false"),
        ({"title": ""}, "title has from 1 to 255 characters"),
        ({"comment": "x" * 256}, "comment has from 1 to 255 characters"),
        ({"profile": "My Voice"}, "lower-case letters"),
        ({"profile": ""}, "lower-case letters"),
        ({"profile": "a" * 64}, "at most 63"),
        ({"birtate": "128k"}, "profile, format, preset, bitrate, quality"),
    ],
)
def test_a_refusal_says_what_there_is(fields: dict[str, str], sentence: str):
    with pytest.raises(WishRefused, match=sentence):
        parse_wish(fields)


def test_several_outputs_are_a_list_of_objects():
    wish = parse_wish(
        {"outputs": '[{"format": "flac"}, {"trim": {"start": 1}}]', "notify": "false"}
    )
    assert wish.outputs == (Output(format="flac"), Output(trim=Trim(start=1)))
    assert not wish.notify.email


TOO_MANY = ",".join(f'{{"trim": {{"start": {n}}}}}' for n in range(17))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "[{}, {}]", '[{"bit": 1}]', '[{"trim": {"end": 1}}]'),
        '[{"bitrate": "1k"}]',
        f"[{TOO_MANY}]",
    ],
)
def test_outputs_that_make_no_sense_are_refused(text: str):
    with pytest.raises(WishRefused):
        parse_wish({"outputs": text})


def test_outputs_stand_alone():
    with pytest.raises(WishRefused, match="format"):
        parse_wish({"outputs": "[{}]", "format": "mp3"})
