"""A finished conversion past its time: to the archive, and out of the cluster."""

from soundstrip_operator.actions import (
    Actions,
    ArchiveConversion,
    BackOff,
    DeleteJob,
    ExpireConversion,
)
from soundstrip_operator.situation import Situation


def seconds_to_expiry(s: Situation) -> float | None:
    """Return how long a finished and announced conversion stays; None is for ever."""
    ttl = s.conversion.spec.ttl_seconds_after_finished
    limit = s.policy.default_ttl if ttl is None else ttl
    finished = s.status.condition("Finished")
    if limit is None or finished is None or finished.status != "True":
        return None
    return limit - s.seconds_since(finished.last_transition_time)


def expire(s: Situation) -> Actions:
    """Return the next step: what still hangs on the object, then the archive, then the object.

    What hangs on it are its Jobs, even those that were kept for their logs. Killed between archive
    and end, the next pass adopts it again and takes the same steps.
    """
    if s.jobs:
        standing = [job.metadata for job in s.jobs if job.metadata.deletion_timestamp is None]
        return tuple(DeleteJob(job.name, job.uid) for job in standing)
    if s.facts.archived == s.conversion.metadata.resource_version:
        return (ExpireConversion(),)
    if s.facts.storage_down is not None:
        return (BackOff(s.facts.storage_down),)
    return (ArchiveConversion(),)
