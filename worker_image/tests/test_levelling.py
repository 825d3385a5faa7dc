"""How the setting is found, on sound of which only loudness, peaks and a law are known."""

import math
import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.audio import NEAR_LOUDNESS, Loudness
from soundstrip_worker.levelling import level
from soundstrip_worker.loudness import Measured

_TOLERANCE = 0.2


@dataclass
class Sound:
    """A source whose loudness rises by less for each dB that its peaks are held down."""

    source: Measured | None
    yields: float = 0.7
    """LU for each dB above the limit, by a hard limiter; a gentle one gives a third of it."""
    overshoot: float = 0.0
    softer: float = 0.0
    noisier: float = 0.0
    lossy: bool = False
    made: list[str] = field(default_factory=list)
    passes: int = 0

    def measure(self, filters: str) -> Measured | None:
        self.passes += 1
        return self._through(filters) if self.source else None

    def encode(self, filters: str) -> str:
        self.made.append(filters)
        return filters

    def review(self, ending: str) -> Measured | None:
        if not self.lossy:
            return None
        heard = self._through(ending)
        return Measured(heard.integrated - self.softer, heard.peak + self.noisier)

    def _through(self, filters: str) -> Measured:
        assert self.source
        found = re.search(r"volume=(\S+?)dB", filters)
        gain = float(found[1]) if found else 0.0
        loud, peak = self.source.integrated + gain, self.source.peak + gain
        limit = re.search(r"limit=([\d.]+):attack=(\d)", filters)
        if not limit:
            return Measured(loud, peak)
        ceiling = 20 * math.log10(float(limit[1]))
        held = max(0.0, peak - ceiling)
        lost = held * (1 - self.yields * (1 if limit[2] == "1" else 1 / 3))
        return Measured(loud - lost, min(peak, ceiling) + (self.overshoot if held else 0))


sources = st.builds(
    lambda loud, crest: Measured(loud, loud + crest), st.floats(-69, -3), st.floats(0, 40)
)
wishes = st.builds(
    lambda target, peak: Loudness(target=target, true_peak=peak),
    st.floats(-36, -5),
    st.floats(-9, 0),
)


@given(sources, wishes, st.floats(0.4, 1), st.floats(0, 1))
def test_the_target_is_reached_or_the_limiter_pushed_to_its_end(
    source: Measured, wanted: Loudness, yields: float, overshoot: float
):
    sound = Sound(source, yields, overshoot)
    heard = level(sound, wanted).heard
    assert heard
    assert heard.peak <= wanted.true_peak + _TOLERANCE + 0.01
    pushed = float(re.findall(r"volume=(\S+?)dB", sound.made[-1])[0])
    at_the_end = pushed >= wanted.target - source.integrated + 17.9
    assert abs(heard.integrated - wanted.target) <= NEAR_LOUDNESS or at_the_end
    assert sound.passes <= 7


@given(sources, wishes, st.floats(-0.5, 3), st.floats(0, 2))
def test_what_an_encoder_does_is_made_up_for(
    source: Measured, wanted: Loudness, softer: float, noisier: float
):
    sound = Sound(source, yields=0.9, softer=softer, noisier=noisier, lossy=True)
    heard = level(sound, wanted).heard
    assert heard
    assert heard.peak <= wanted.true_peak + 0.5 + _TOLERANCE + 0.01
    assert len(sound.made) <= 3
    assert sound.passes <= 19


@pytest.mark.parametrize("softer", [0.0, 0.4, 1.5])
def test_it_is_encoded_once_more_only_where_that_is_needed(softer: float):
    sound = Sound(Measured(-30, -20), softer=softer, lossy=True)
    levelled = level(sound, Loudness(target=-23))
    assert len(sound.made) == (2 if softer > NEAR_LOUDNESS else 1)
    assert levelled.heard
    assert abs(levelled.heard.integrated + 23) <= NEAR_LOUDNESS
    assert levelled.ending == sound.made[-1]


def test_what_an_encoder_is_known_to_take_is_given_beforehand():
    sound = Sound(Measured(-30, -20), softer=0.8, lossy=True)
    heard = level(sound, Loudness(target=-23), softer=0.7).heard
    assert heard == Measured(pytest.approx(-23.1), pytest.approx(-12.3))
    assert len(sound.made) == 1


def test_clicks_are_not_pushed_for_nothing():
    sound = Sound(Measured(-36, -1), yields=0.0)
    heard = level(sound, Loudness(target=-10, true_peak=-1)).heard
    assert heard
    assert heard.peak <= -1 + _TOLERANCE
    assert sound.passes <= 4


@pytest.mark.parametrize("source", [None, Measured(-70, float("-inf"))])
def test_silence_is_encoded_as_it_is_and_has_no_loudness(source: Measured | None):
    sound = Sound(source, lossy=True)
    levelled = level(sound, Loudness())
    assert (levelled.heard, sound.made) == (None, ["anull"])
