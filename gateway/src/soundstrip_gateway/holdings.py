"""What stands of a user's, asked of those who hold it."""

from datetime import datetime
from typing import Any

from soundstrip_gateway.charges import Charges
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.quotas import Facts, Quota
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import Bucket

EVERYTHING = Quota(
    bytes=0, conversions_per_day=0, media_minutes_per_day=0, concurrent=0, upload_bytes=0
)
"""With each of its quotas there, so that all is asked."""


class Holdings:
    """Asks MongoDB for files and today's conversions, the API server for unfinished ones."""

    def __init__(self, database: Documents, cluster: Cluster, charges: Charges) -> None:
        self._database = database
        self._cluster = cluster
        self._charges = charges

    def of(self, owner: str, day: datetime, quota: Quota) -> Facts:
        """Return what there is of what the quota limits; `day` is when the day began.

        Raises:
            StorageUnavailable: If MongoDB is away.
            ClusterUnavailable: If the API server is.
        """
        return Facts(
            bytes=self._count_bytes(owner) if quota.bytes is not None else 0,
            conversions=self._charges.count(owner, day)
            if quota.conversions_per_day is not None
            else 0,
            seconds=self._charges.sum_seconds(owner, day)
            if quota.media_minutes_per_day is not None
            else 0.0,
            unfinished=self._count_unfinished(owner) if quota.concurrent is not None else 0,
        )

    def _count_bytes(self, owner: str) -> int:
        total: list[dict[str, Any]] = [
            {"$match": {"metadata.owner": owner}},
            {"$group": {"_id": None, "bytes": {"$sum": "$length"}}},
        ]
        with storage_errors():
            sums = [found for b in Bucket for found in self._database[b.files].aggregate(total)]
        return sum(int(found["bytes"]) for found in sums)

    def _count_unfinished(self, owner: str) -> int:
        ends = (c.status.condition("Finished") for c in self._cluster.scan(owner))
        return sum(end is None or end.status != "True" for end in ends)
