"""What an owner has stored."""

from dataclasses import dataclass
from typing import Any

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import Bucket


@dataclass(frozen=True)
class Stored:
    """Files of a bucket, and their bytes."""

    files: int = 0
    bytes: int = 0


def measure(database: Documents, bucket: Bucket, owner: str) -> Stored:
    """Return how much of a bucket is an owner's.

    Raises:
        StorageUnavailable: If MongoDB is away.
    """
    total = {"_id": None, "files": {"$sum": 1}, "bytes": {"$sum": "$length"}}
    stages: list[dict[str, Any]] = [{"$match": {"metadata.owner": owner}}, {"$group": total}]
    with storage_errors():
        found = list(database[bucket.files].aggregate(stages))
    return Stored(found[0]["files"], found[0]["bytes"]) if found else Stored()
