"""What a decision looks at: the objects, what was found out on request, the limits, the clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from msgspec.structs import replace

from soundstrip_crds.conversion import Result, Run, Status, Try, VideoConversion
from soundstrip_crds.job import ProgressPost
from soundstrip_operator.actions import Actions, WriteStatus
from soundstrip_operator.policy import Policy
from soundstrip_operator.profiles import Profile
from soundstrip_operator.workload import Job, Pod


class Answer(Enum):
    """The answer of a look-up that found nothing to show."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True)
class Facts:
    """What was found out on request in this pass; None is not asked yet."""

    source: Answer | None = None
    result: Result | Answer | None = None
    job_gone: Answer | None = None
    place: Answer | None = None
    warning: str | None = None
    """What the Job controller complains of; empty when of nothing."""
    refusal: str | None = None
    """Why the API server refused to create the Job."""
    storage_down: str | None = None
    blobs_removed: bool = False
    archived: str | None = None
    """The resourceVersion that stands in the archive."""
    published: bool = False


@dataclass(frozen=True)
class Situation:
    """One conversion at one moment. `jobs` and `pods` are its own by their owner references."""

    conversion: VideoConversion
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    now: datetime
    policy: Policy
    profiles: tuple[Profile, ...] = ()
    progress: ProgressPost | None = None
    """The latest post of the try under way, if this process has had one."""
    is_counted: bool = False
    """Whether it is of a batch that has not come to its end."""
    position: int | None = None
    """The place in the line, if it stands in it."""
    facts: Facts = field(default_factory=Facts)

    @property
    def status(self) -> Status:
        """The status as it stands."""
        return self.conversion.status

    @property
    def run(self) -> int:
        """The run that is under way, or came to its outcome last."""
        return run_of(self.status)

    @property
    def tries(self) -> tuple[Try, ...]:
        """The tries of this run, oldest first."""
        return tries_of(self.status)

    @property
    def current(self) -> Try | None:
        """The try that is under way."""
        last = self.tries[-1:]
        return last[0] if last and last[0].finished_at is None else None

    def write(self, status: Status) -> Actions:
        """Return the write of a status, unless it stands already."""
        return () if status == self.status else (WriteStatus(status),)

    def job_of(self, number: int) -> Job | None:
        """Return the Job of a try of this run."""
        return next((job for job in self.jobs if job.attempt == (self.run, number)), None)

    def pod_of(self, name: str) -> Pod | None:
        """Return the newest pod of the Job with this name."""
        job = next((job for job in self.jobs if job.metadata.name == name), None)
        pods = [
            pod
            for pod in self.pods
            if pod.metadata.labels.get(JOB_NAME_LABEL) == name
            and not (job and job.has_outlived(pod))
        ]
        return max(pods, key=lambda pod: pod.metadata.creation_timestamp, default=None)

    def seconds_since(self, moment: datetime) -> float:
        """Return how long ago that was."""
        return (self.now - moment) / timedelta(seconds=1)


JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
"""Set on a pod by the Job controller."""


def run_of(status: Status) -> int:
    """Return the run that is under way, or came to its outcome last; none yet is the first."""
    return status.runs[-1].number if status.runs else 1


def wants_another_run(conversion: VideoConversion) -> bool:
    """Say whether a run that came to nothing is to be followed by another."""
    succeeded = conversion.status.condition("Succeeded")
    failed = succeeded is not None and succeeded.status == "False"
    return failed and conversion.spec.run > run_of(conversion.status)


def tries_of(status: Status) -> tuple[Try, ...]:
    """Return the tries of that run."""
    return status.runs[-1].tries if status.runs else ()


def attempt_of(conversion: VideoConversion) -> tuple[str, int, int]:
    """Return uid, run and number of the latest try; the number is 0 before the first."""
    tries = tries_of(conversion.status)
    number = tries[-1].number if tries else 0
    return conversion.metadata.uid, run_of(conversion.status), number


def next_try(status: Status) -> int:
    """Return the number of the try that would follow these."""
    tries = tries_of(status)
    return tries[-1].number + 1 if tries else 1


def with_run(status: Status, run: Run) -> Status:
    """Return the status with this run in the place of its latest, or after it."""
    earlier = tuple(one for one in status.runs if one.number < run.number)
    return replace(status, runs=(*earlier, run)[-_MOST_RUNS:])


def with_tries(status: Status, tries: tuple[Try, ...]) -> Status:
    """Return the status with these as the tries of its latest run."""
    latest = status.runs[-1] if status.runs else Run(number=1)
    return with_run(status, replace(latest, tries=tries[-_MOST_TRIES:]))


_MOST_RUNS = 20
_MOST_TRIES = 20
"""By the CRD."""
