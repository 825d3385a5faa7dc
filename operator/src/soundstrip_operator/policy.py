"""The numbers that decisions go by; `main` fills in those that a person can set."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """Limits and waits, the latter in seconds."""

    max_active_jobs: int = 2
    max_active_per_owner: int = 2
    max_tries: int = 4
    retry_base: float = 5.0
    retry_factor: float = 3.0
    retry_cap: float = 300.0
    start_limit: float = 300.0
    """How long a pod may take until both containers run; then the try is StartFailed."""
    failed_job_retention: float = 600.0
    """How long the Job of a failed try stays, for its logs."""
    default_ttl: float | None = None
    """How long a finished conversion stays that says nothing of it; None is for ever."""
    linger: float = 10.0
    """How long one container may outlive the other's failure."""
    lost_after: float = 30.0
    """How long after its deletion time a pod may still run before its node counts as lost."""
    settle: float = 10.0
    """How long Job and pod may differ on whether they are finished."""
    pods_gone_limit: float = 60.0
    """How long a deleted conversion waits for its pods."""
    storage_patience: float = 600.0
    """How long a storage that does not answer holds a deleted conversion back."""
