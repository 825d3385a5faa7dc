"""Brings audio to a loudness: what is tried, and when it is near enough.

The source is measured first. A gain alone does what it says; what a limiter does to the loudness
is found by trying. What a lossy encoder does to both is measured in its result, and where that is
too much, it is encoded again for an aim that makes up for it. Peaks count more than loudness.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from soundstrip_crds.audio import NEAR_LOUDNESS, Loudness
from soundstrip_worker.loudness import (
    NO_GAIN,
    SILENCE,
    Limiter,
    Measured,
    Setting,
    level_filter,
    plain_setting,
)

CODEC_ROOM = 0.5
"""dB that a lossy encoder may add to the true peak: its noise adds to the sound that it keeps."""

_CLOSE = 0.2
"""LU, and dB, to which a limiter is set; EBU Tech 3341 grants a meter of true peaks as much."""

_MOST_TRIALS = 6
_MOST_ENCODES = 3
_HEAVY = 2.0
"""LU that a gentle limiter may take of the loudness; where it takes more, a hard one does."""

_MOST_PUSH = 18.0
"""dB of gain beyond what is lacking: what is still too soft then is made of silence and peaks."""

_LEAST_SLOPE = 0.2
"""LU for each dB of gain: where that brings less, all is at the limit already."""

E = TypeVar("E")


class Studio(Protocol[E]):
    """Does the work: `E` is how an encoding ended."""

    def measure(self, filters: str) -> Measured | None:
        """Measure the source behind these filters; None if nothing comes through."""

    def encode(self, filters: str) -> E:
        """Make the result through these filters."""

    def review(self, ending: E) -> Measured | None:
        """Measure the result of a lossy encoding; None if it needs no measuring, or has none."""


class Take(msgspec.Struct, frozen=True):
    """A setting, and what came through it."""

    setting: Setting
    heard: Measured


class Levelled(msgspec.Struct, Generic[E], frozen=True):
    """How the encoding ended, and the loudness that its result has, unless that is silence."""

    ending: E
    heard: Measured | None


def level(studio: Studio[E], wanted: Loudness, softer: float = 0.0) -> Levelled[E]:
    """Make the result, as near to the loudness as the true peak allows.

    `softer` is how many LU the encoder is expected to take.
    """
    source = studio.measure("")
    if source is None or source.integrated <= SILENCE:
        return Levelled(studio.encode(NO_GAIN), None)
    aim = Loudness(target=wanted.target + softer, true_peak=wanted.true_peak)
    setting = plain_setting(source, aim)
    for encodes in range(1, _MOST_ENCODES + 1):
        take = rehearse(studio, source, aim, setting)
        ending = studio.encode(level_filter(take.setting))
        heard = studio.review(ending)
        again = correct_aim(aim, take.heard, heard, wanted) if heard else aim
        if again == aim or encodes == _MOST_ENCODES:
            break
        setting = _aimed_anew(take.setting, source, aim, again)
        aim = again
    return Levelled(ending, heard or take.heard)


def rehearse(studio: Studio[E], source: Measured, aim: Loudness, first: Setting) -> Take:
    """Find the setting that comes nearest to an aim, beginning with one."""
    if first.ceiling is None:
        gain = first.gain
        return Take(first, Measured(source.integrated + gain, source.peak + gain))
    most_gain = aim.target - source.integrated + _MOST_PUSH
    takes: list[Take] = []
    setting: Setting | None = first
    while setting and len(takes) < _MOST_TRIALS:
        heard = studio.measure(level_filter(setting)) or Measured(SILENCE, SILENCE)
        takes.append(Take(setting, heard))
        setting = next_setting(takes, aim, most_gain)
    return best(takes, aim)


def next_setting(takes: Sequence[Take], aim: Loudness, most_gain: float) -> Setting | None:
    """Return what is to be tried after these takes; None if there is nothing to gain by it."""
    last = takes[-1]
    lacking = aim.target - last.heard.integrated
    pushed = _pushed(takes, lacking, most_gain) if abs(lacking) > _CLOSE else last.setting
    setting = replace(pushed, ceiling=_lowered(last, aim))
    return None if setting == last.setting else setting


def best(takes: Sequence[Take], aim: Loudness) -> Take:
    """Return the take with the least excess of the peak; of those, the nearest in loudness."""

    def faults(take: Take) -> tuple[float, float]:
        excess = max(0.0, take.heard.peak - aim.true_peak - _CLOSE)
        return round(excess, 1), abs(take.heard.integrated - aim.target)

    return min(takes, key=faults)


def correct_aim(aim: Loudness, heard: Measured, made: Measured, wanted: Loudness) -> Loudness:
    """Return an aim that makes up for what the encoder did to what was heard before it.

    It is the same if that is little, or if what was lacking was so before.
    """
    is_reached = abs(heard.integrated - aim.target) <= NEAR_LOUDNESS
    is_off = abs(made.integrated - wanted.target) > NEAR_LOUDNESS
    if not (is_reached and is_off) and made.peak - wanted.true_peak <= CODEC_ROOM:
        return aim
    return Loudness(
        target=aim.target + (heard.integrated - made.integrated if is_reached else 0.0),
        true_peak=min(aim.true_peak, wanted.true_peak - (made.peak - heard.peak)),
    )


def _aimed_anew(setting: Setting, source: Measured, aim: Loudness, again: Loudness) -> Setting:
    if setting.ceiling is None:
        return plain_setting(source, again)
    return replace(
        setting,
        gain=setting.gain + again.target - aim.target,
        ceiling=setting.ceiling + again.true_peak - aim.true_peak,
    )


def _lowered(last: Take, aim: Loudness) -> float | None:
    excess = last.heard.peak - aim.true_peak
    ceiling = last.setting.ceiling
    return ceiling - excess if ceiling is not None and excess > _CLOSE else ceiling


def _pushed(takes: Sequence[Take], lacking: float, most_gain: float) -> Setting:
    """Return the last setting with the gain that should do, within bounds."""
    setting, slope = takes[-1].setting, _slope(takes)
    is_stuck = lacking > 0 and slope < _LEAST_SLOPE
    if setting.limiter is Limiter.GENTLE and (lacking > _HEAVY or is_stuck):
        return replace(setting, limiter=Limiter.HARD)
    if is_stuck:
        return setting
    return replace(setting, gain=min(setting.gain + lacking / slope, most_gain))


def _slope(takes: Sequence[Take]) -> float:
    """Return the LU for each dB of gain, by the last two takes of one limiter.

    What a lower ceiling took of the loudness, at most as much as it was lowered, is no matter of
    the gain.
    """
    one, two = _last_alike(takes)
    more = two.setting.gain - one.setting.gain
    if not more:
        return 1.0
    lowered = (one.setting.ceiling or 0.0) - (two.setting.ceiling or 0.0)
    rise = two.heard.integrated - one.heard.integrated + lowered
    return max(_LEAST_SLOPE / 2, min(1.0, rise / more))


def _last_alike(takes: Sequence[Take]) -> tuple[Take, Take]:
    """Return the last two takes of the last one's limiter, which may be one."""
    last = takes[-1]
    others = [take for take in takes[:-1] if take.setting.limiter is last.setting.limiter]
    return (others[-1] if others else last), last
