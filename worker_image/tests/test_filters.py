import re

import pytest
from msgspec.structs import replace

from soundstrip_crds.audio import Output, Trim
from soundstrip_crds.conversion import Media, Track
from soundstrip_worker.answers import AudioStream, Probe
from soundstrip_worker.filters import chain, measured_chain
from soundstrip_worker.recipe import decide
from soundstrip_worker.seeking import Seek


def chain_of(output: Output, *, channels: int = 2, whole: bool = False, gain: str = "") -> str:
    stream = AudioStream(
        Track(index=0, codec="ac3", channels=channels, sample_rate=44100), whole=whole
    )
    recipe = decide(output.resolve(), Probe(Media(container="mp4"), (stream,)))
    assert recipe.shape
    return chain(recipe, recipe.shape, gain)


def test_an_mp3_gets_the_samples_as_they_are():
    assert chain_of(Output()).endswith(
        "aformat=sample_fmts=fltp|s16p|s32p:sample_rates=44100:channel_layouts=stereo,"
        "asetpts=PTS-STARTPTS"
    )


def test_a_part_is_cut_before_all_else():
    words = chain_of(Output(trim=Trim(start=1.5, duration=2.25)))
    assert re.match(r"asetpts='[^']*',atrim=start=1\.500000:end=3\.750000,aresample", words)
    assert ",atrim=start=1.500000,aresample" in chain_of(Output(trim=Trim(start=1.5)))


def test_a_part_that_is_sought_is_cut_by_the_time_from_there():
    stream = AudioStream(Track(index=0, codec="ac3", channels=2, sample_rate=44100))
    output = Output(trim=Trim(start=20.5, duration=2))
    recipe = decide(output.resolve(), Probe(Media(container="mp4"), (stream,)))
    assert recipe.shape
    sought = replace(recipe, seek=Seek(18))
    assert ",atrim=start=2.500000:end=4.500000," in chain(sought, recipe.shape)
    assert "/S" not in chain(sought, recipe.shape)
    rough = replace(recipe, seek=Seek(18, grid=-17.5))
    assert "round(-17.500000/TB)" in chain(rough, recipe.shape)


@pytest.mark.parametrize(
    ("output", "whole", "dithered"),
    [
        (Output(format="flac", bit_depth=16), False, True),
        (Output(format="flac", bit_depth=16), True, False),
        (Output(format="flac", bit_depth=24), False, False),
        (Output(), False, False),
    ],
)
def test_only_what_loses_bits_is_dithered(output: Output, *, whole: bool, dithered: bool):
    assert ("dither" in chain_of(output, whole=whole)) is dithered


def test_a_gain_works_on_floating_point():
    words = chain_of(Output(format="wav"), whole=True, gain="volume=3dB")
    assert "sample_fmts=flt:sample_rates=44100:channel_layouts=stereo,volume=3dB,aresample" in words


def test_mono_is_as_loud_in_stereo():
    assert chain_of(Output(channels="stereo"), channels=1).startswith("pan=stereo|c0=c0|c1=c0,")


def test_what_is_measured_is_what_the_gain_works_on():
    stream = AudioStream(Track(index=0, codec="ac3", channels=6, sample_rate=48000))
    recipe = decide(Output(trim=Trim(start=2)).resolve(), Probe(Media(container="mp4"), (stream,)))
    assert recipe.shape
    measured = measured_chain(recipe, recipe.shape)
    assert chain(recipe, recipe.shape, "volume=1dB").startswith(f"{measured},volume=1dB,")
