"""What a person wants to read of a batch: one Kubernetes Event for each stage and for the end."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from soundstrip_crds.batch import BatchReason, BatchStatus, ConversionBatch


@dataclass(frozen=True)
class Announcement:
    """A Kubernetes Event; its name is the same however often it is told."""

    name: str
    kind: Literal["Normal", "Warning"]
    reason: str
    message: str


def announce(batch: ConversionBatch, after: BatchStatus) -> Announcement | None:
    """Return what is to be told of the step from the batch's status to the next one."""
    old, new = batch.status.condition("Succeeded"), after.condition("Succeeded")
    if new is None or (old is not None and old.reason == new.reason):
        return None
    bad = new.status == "False" or new.reason == BatchReason.STOPPING
    key = f"{batch.metadata.uid}/{batch.metadata.generation}/{new.reason}"
    return Announcement(
        name=f"{batch.metadata.name}.{hashlib.sha256(key.encode()).hexdigest()[:16]}",
        kind="Warning" if bad else "Normal",
        reason=new.reason,
        message=new.message,
    )
