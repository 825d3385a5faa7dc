"""Who of a batch may be under way or stand in line, and who is held back."""

from dataclasses import dataclass

from soundstrip_crds.conversion import VideoConversion
from soundstrip_operator.batch.child import State, is_blocked, state_of
from soundstrip_operator.batch.plan import Item, Place
from soundstrip_operator.batch.situation import Situation


@dataclass(frozen=True, order=True)
class _Candidate:
    """The first go first: who has a Job, who can go on, who was let go already, the batch's order.

    One that can't go on until a person has done something takes no place from one that can.
    """

    idle: bool
    blocked: bool
    suspended: bool
    place: Place
    name: str


def hold_back(s: Situation) -> frozenset[str]:
    """Return the names of those that are to be suspended, made or not.

    Who has a Job keeps it when `parallelism` is lowered; no more than that many others are let go.
    """
    line = sorted(
        [*(_made(s, one) for one in s.unfinished), *(_unmade(s, one) for one in s.unmade)]
    )
    if s.batch.spec.suspend:
        return frozenset(one.name for one in line)
    if s.batch.spec.parallelism is None:
        return frozenset()
    return frozenset(one.name for one in line[s.batch.spec.parallelism :] if one.idle)


def _made(s: Situation, child: VideoConversion) -> _Candidate:
    return _Candidate(
        idle=state_of(child) is not State.RUNNING,
        blocked=is_blocked(child),
        suspended=child.spec.suspend,
        place=s.place(child.spec),
        name=child.metadata.name,
    )


def _unmade(s: Situation, item: Item) -> _Candidate:
    return _Candidate(idle=True, blocked=False, suspended=True, place=s.place(item), name=item.name)
