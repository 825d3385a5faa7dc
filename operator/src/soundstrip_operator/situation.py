"""What a decision looks at: the objects, what was found out on request, the limits, the clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from soundstrip_crds.conversion import Result, Run, Status, Try, VideoConversion
from soundstrip_crds.job import ProgressPost
from soundstrip_operator.actions import Actions, WriteStatus
from soundstrip_operator.policy import Policy
from soundstrip_operator.workload import Job, Pod

RUN = 1
"""The run that is under way; a conversion has one run so far."""


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
    published: bool = False


@dataclass(frozen=True)
class Situation:
    """One conversion at one moment. `jobs` and `pods` are its own by their owner references."""

    conversion: VideoConversion
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    now: datetime
    policy: Policy
    progress: ProgressPost | None = None
    """The latest post of the try under way, if this process has had one."""
    facts: Facts = field(default_factory=Facts)

    @property
    def status(self) -> Status:
        """The status as it stands."""
        return self.conversion.status

    @property
    def tries(self) -> tuple[Try, ...]:
        """The tries of the run that is under way, oldest first."""
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
        return next((job for job in self.jobs if job.attempt == (RUN, number)), None)

    def pod_of(self, name: str) -> Pod | None:
        """Return the newest pod of the Job with this name."""
        pods = [pod for pod in self.pods if pod.metadata.labels.get(JOB_NAME_LABEL) == name]
        return max(pods, key=lambda pod: pod.metadata.creation_timestamp, default=None)

    def seconds_since(self, moment: datetime) -> float:
        """Return how long ago that was."""
        return (self.now - moment) / timedelta(seconds=1)


JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
"""Set on a pod by the Job controller."""


def tries_of(status: Status) -> tuple[Try, ...]:
    """Return the tries of the run that is under way."""
    return next((run.tries for run in status.runs if run.number == RUN), ())


def with_tries(tries: tuple[Try, ...]) -> tuple[Run, ...]:
    """Return the runs with these tries."""
    return (Run(number=RUN, tries=tries),)
