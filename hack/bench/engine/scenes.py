"""Which jobs are measured, in which order: those that are compared take turns."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec
from hack.bench.engine import clips
from hack.bench.engine.clips import Clip, make_clips
from hack.bench.engine.quality import score
from hack.bench.engine.stage import Cost, Stage, stage
from hack.bench.engine.subjects import (
    FFmpegAlone,
    SeedStyle,
    SideBySide,
    Soundstrip,
    host_ffmpeg,
)
from tests.ffmpeg import shipped
from tests.worker import make_plan, upload

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.job import JobPlan

OWN, ONE_CORE = "Soundstrip", "Soundstrip, one core"
FAST, COPY = "Soundstrip, `fast`", "Soundstrip, `original`"
SEED, ALONE = "the seed's style", "FFmpeg alone"
CORE = "one encode, on one core"
CORES_EACH = "two encodes at once, on a core each"
"""By the FFmpeg of the worker: what this machine gives that never has anything to share."""

CORES = 2
MORE_CORES = (4, 8)
"""More than there are: what they would do is told from the FFmpeg that takes most CPU."""

_MOST_BYTES = 10**9
_PLAYERS_OF_M = (SEED, ALONE, OWN, ONE_CORE, FAST, COPY, CORE, CORES_EACH)
_MP3 = {"format": "mp3", "bitrate": "192k"}


def planned_for(cores: int) -> str:
    """Return the name of a conversion that is planned for more cores than there are."""
    return f"Soundstrip, planned for {cores} cores"


_WISHES: dict[str, tuple[dict[str, Any], int]] = {
    OWN: (_MP3, CORES),
    ONE_CORE: (_MP3, 1),
    FAST: ({**_MP3, "preset": "fast"}, CORES),
    COPY: ({"format": "original"}, CORES),
    **{planned_for(cores): (_MP3, cores) for cores in MORE_CORES},
}
"""The audio that is asked for, and the cores that the plan counts on."""

Case = tuple[str, str]
"""A clip's name, and who converts it."""


class Act(Protocol):
    """Plays a job, and weighs it or not: its memory is nought then."""

    def __call__(self, *, weigh: bool) -> Cost:
        """Return what it took."""


@dataclass(frozen=True)
class Findings:
    """What was measured of each case, run by run, and how like its source each MP3 of M sounds."""

    costs: Mapping[Case, Sequence[Cost]]
    quality: Mapping[str, Sequence[float]]
    ffmpeg: str
    host_ffmpeg: str

    def of(self, clip: Clip, who: str) -> Sequence[Cost]:
        """Return what a case took; nothing if it could not be played."""
        return self.costs.get((clip.name, who), [])


def play(runs: int, folder: Path, chosen: Sequence[Clip] = clips.CLIPS) -> Findings:
    """Play the jobs with these clips so many times; those of an hour and more once."""
    make_clips([clips.SECOND, *chosen])
    with stage(folder) as here:
        theatre = _Theatre(here, shipped())
        costs: dict[Case, list[Cost]] = {}
        for who in (OWN, SEED):
            theatre.warm_up(who)
        for times, cases in _blocks(runs):
            acts = {
                (clip.name, who): theatre.act(clip, who) for clip, who in cases if clip in chosen
            }
            costs |= _take_turns(acts, times)
        kept = theatre.kept()
        quality = score(clips.M.path, kept) if kept else {}
        return Findings(costs, quality, _describe(theatre.ffmpeg), _describe(_host_folder()))


def _blocks(runs: int) -> list[tuple[int, list[tuple[Clip, str]]]]:
    fine = [(clips.M_FINE, OWN), (clips.M_FINE, COPY)]
    return [
        (runs, [(clips.SECOND, who) for who in (SEED, OWN)]),
        (runs, [*((clips.M, who) for who in _PLAYERS_OF_M), *fine]),
        (runs, [(clips.P, SEED), (clips.P, OWN), (clips.P_FINE, OWN)]),
        (runs, [(clips.TEN_MINUTES, OWN)]),
        (1, [(clips.M, planned_for(cores)) for cores in MORE_CORES]),
        (1, [(clips.HOUR, OWN), (clips.FOUR_HOURS, OWN)]),
    ]


def _take_turns(acts: Mapping[Case, Act], times: int) -> dict[Case, list[Cost]]:
    """Weigh each job in a turn of its own, which isn't timed; what is played once, in that."""
    costs: dict[Case, list[Cost]] = {case: [] for case in acts}
    weighed = {case: act(weigh=True) for case, act in acts.items()}
    if times == 1:
        return {case: [cost] for case, cost in weighed.items()}
    for _ in range(times):
        for case, act in acts.items():
            cost = act(weigh=False)
            usage = replace(cost.usage, memory=weighed[case].usage.memory)
            costs[case].append(replace(cost, usage=usage))
            print(f"{', '.join(case)}: {cost.seconds:.2f} s", flush=True)
    return costs


class _Theatre:
    """Knows what each job needs; a clip is uploaded when it is first needed."""

    def __init__(self, stage: Stage, ffmpeg: Path) -> None:
        self.ffmpeg = ffmpeg
        self._stage = stage
        self._plans: dict[Clip, JobPlan] = {}

    def act(self, clip: Clip, who: str) -> Act:
        """Return a way to play this job."""
        match who:
            case _ if who == ALONE:
                return FFmpegAlone(self._stage, clip).convert
            case _ if who in {CORE, CORES_EACH}:
                count = 1 if who == CORE else CORES
                return SideBySide(self._stage, clip, self.ffmpeg, count).convert
            case _ if who == SEED:
                return SeedStyle(self._stage, self._plan(clip).source.file_id).convert
            case _:
                return self._own(clip, who)

    def warm_up(self, who: str) -> None:
        """Play a short job that doesn't count: the first one compiles Python's bytecode."""
        self.act(clips.SECOND, who)(weigh=False)

    def kept(self) -> dict[str, Path]:
        """Return the MP3s of clip M."""
        paths = {who: self._copy(who) for who in (OWN, FAST)}
        return {who: path for who, path in paths.items() if path.exists()}

    def _own(self, clip: Clip, who: str) -> Act:
        plan = _wish(self._plan(clip), who)
        keep = self._copy(who) if clip is clips.M else None
        bound = who == ONE_CORE
        return Soundstrip(self._stage, clip, plan, self.ffmpeg, bound, keep).convert

    def _copy(self, who: str) -> Path:
        return self._stage.folder / f"{list(_WISHES).index(who)}.audio"

    def _plan(self, clip: Clip) -> JobPlan:
        if clip not in self._plans:
            file_id = upload(self._stage.pods.database, clip.path)
            self._plans[clip] = make_plan(clip.path, file_id=file_id, max_result_bytes=_MOST_BYTES)
        return self._plans[clip]


def _wish(plan: JobPlan, who: str) -> JobPlan:
    words, cores = _WISHES[who]
    output = msgspec.convert(words, ResolvedOutput)
    return msgspec.structs.replace(plan, output=output, cores=cores)


def _host_folder() -> Path:
    return Path(host_ffmpeg()).parent


def _describe(folder: Path) -> str:
    command = [str(folder / "ffmpeg"), "-version"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    whose = "this host's" if folder == _host_folder() else "the worker image's own"
    return f"{whose} FFmpeg {done.stdout.split()[2]}"
