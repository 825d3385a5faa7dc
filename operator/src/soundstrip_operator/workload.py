"""Jobs and pods as the operator sees them: the few fields that it judges by."""

from datetime import datetime

import msgspec

from soundstrip_crds.names import (
    CONVERSION_LABEL,
    CONVERTER,
    KUEUE_QUEUE,
    MOVER,
    OWNER_LABEL,
    RUN_LABEL,
    TRY_LABEL,
)


class _Part(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A part of a Kubernetes object; unknown fields are left out."""


class OwnerReference(_Part, frozen=True):
    """Which object another belongs to."""

    uid: str
    controller: bool | None = None


class ObjectMetadata(_Part, frozen=True):
    """What Jobs and pods have in common."""

    name: str
    uid: str
    creation_timestamp: datetime
    resource_version: str = ""
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()


class _Workload(_Part, frozen=True):
    metadata: ObjectMetadata

    @property
    def conversion(self) -> str:
        """The name of the conversion that it works for."""
        return self.metadata.labels.get(CONVERSION_LABEL, "")

    def belongs_to(self, uid: str) -> bool:
        """Say whether the object with this uid is its controller."""
        return any(o.uid == uid and o.controller for o in self.metadata.owner_references)


class JobCondition(_Part, frozen=True):
    """A condition of a Job."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class JobSpec(_Part, frozen=True):
    """What the operator asked for."""

    active_deadline_seconds: int | None = None
    suspend: bool | None = None


class JobStatus(_Part, frozen=True):
    """What the Job controller says."""

    conditions: tuple[JobCondition, ...] = ()
    start_time: datetime | None = None


class Job(_Workload, frozen=True):
    """A batch/v1 Job: one try."""

    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()

    def condition(self, *types: str) -> JobCondition | None:
        """Return the first of these conditions that is true, in the order of the types."""
        true = {c.type: c for c in self.status.conditions if c.status == "True"}
        return next((true[kind] for kind in types if kind in true), None)

    @property
    def finished(self) -> bool:
        """Whether the Job controller is done with it: no pod of it runs."""
        return self.condition("Complete", "Failed") is not None

    @property
    def suspended(self) -> bool:
        """Whether Kueue has not admitted it, or has taken its admission back."""
        return bool(self.spec.suspend) and not self.finished

    @property
    def is_placed_by_kueue(self) -> bool:
        """Whether Kueue decides when it runs."""
        return KUEUE_QUEUE in self.metadata.labels

    def has_outlived(self, pod: "Pod") -> bool:
        """Say whether a pod is, or may be, of an earlier admission by Kueue.

        The Job controller sets the start anew with each; Kueue takes it off in between.
        """
        if not self.is_placed_by_kueue:
            return False
        start, metadata = self.status.start_time, pod.metadata
        again = any(c.type == "Suspended" for c in self.status.conditions)
        earlier = start is None or metadata.creation_timestamp < start
        return earlier or (again and metadata.deletion_timestamp is not None)

    @property
    def owner(self) -> str:
        """The id of the user whose conversion it works for."""
        return self.metadata.labels.get(OWNER_LABEL, "")

    @property
    def attempt(self) -> tuple[int, int]:
        """The run and the try that it stands for; (0, 0) without the labels."""
        labels = self.metadata.labels
        run, number = labels.get(RUN_LABEL, ""), labels.get(TRY_LABEL, "")
        return (int(run), int(number)) if run.isdecimal() and number.isdecimal() else (0, 0)


class Waiting(_Part, frozen=True):
    """Why a container has not started."""

    reason: str = ""
    message: str = ""


class Terminated(_Part, frozen=True):
    """How a container ended."""

    exit_code: int
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None


class ContainerState(_Part, frozen=True):
    """At most one of the two; a running container has none."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Part, frozen=True):
    """What the kubelet says of a container."""

    name: str
    state: ContainerState = ContainerState()


class PodCondition(_Part, frozen=True):
    """A condition of a pod."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None


class PodSpec(_Part, frozen=True):
    """Where the pod is."""

    node_name: str = ""


class PodStatus(_Part, frozen=True):
    """What scheduler and kubelet say."""

    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: tuple[PodCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(_Workload, frozen=True):
    """A pod of a Job."""

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    def ended(self, container: str) -> Terminated | None:
        """Return how this container ended, if it did."""
        for status in self.status.container_statuses:
            if status.name == container:
                return status.state.terminated
        return None

    @property
    def finished(self) -> bool:
        """Whether no container of it runs, or will run.

        The kubelet tells of the last container's end a little before it tells of the phase.
        """
        if self.status.phase in {"Succeeded", "Failed"}:
            return True
        return all(self.ended(name) for name in (CONVERTER, MOVER))
