"""A conversion that is to go: what it holds goes first, and nothing holds it for ever."""

from soundstrip_crds.names import FINALIZER
from soundstrip_operator.actions import (
    Actions,
    BackOff,
    DeleteJob,
    RemoveBlobs,
    RemoveFinalizer,
    RequeueAfter,
)
from soundstrip_operator.situation import Situation


def leave(s: Situation) -> Actions:
    """Return the next step: Jobs, then their pods, then what is stored, then our finalizer."""
    if FINALIZER not in s.conversion.metadata.finalizers:
        return ()
    jobs = [job for job in s.jobs if job.metadata.deletion_timestamp is None]
    if jobs:
        return tuple(DeleteJob(job.metadata.name, job.metadata.uid) for job in jobs)
    left = s.policy.pods_gone_limit - _waited(s)
    if (s.jobs or s.pods) and left > 0:
        return (RequeueAfter(left),)
    return _give_back(s)


def _give_back(s: Situation) -> Actions:
    if s.facts.blobs_removed:
        return (RemoveFinalizer(),)
    if s.facts.storage_down is None:
        return (RemoveBlobs(),)
    if _waited(s) >= s.policy.storage_patience:
        return (RemoveFinalizer(abandoned=True),)
    return (BackOff(s.facts.storage_down),)


def _waited(s: Situation) -> float:
    deleted = s.conversion.metadata.deletion_timestamp
    return s.seconds_since(deleted) if deleted else 0.0
