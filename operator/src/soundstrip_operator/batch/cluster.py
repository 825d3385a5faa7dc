"""What the operator asks of Kubernetes for the batches' sake."""

from typing import TypeVar

import msgspec

from soundstrip_crds.batch import BatchStatus
from soundstrip_crds.conversion import Metadata
from soundstrip_crds.names import API_VERSION, BATCH_KIND, BATCH_PLURAL
from soundstrip_operator.batch.announcements import Announcement
from soundstrip_operator.cluster import Body, Cluster, NotFound, Observe, overlook
from soundstrip_operator.connection import Connection
from soundstrip_operator.pages import Read

T = TypeVar("T")


class BatchCluster(Cluster):
    """The namespace, with what is asked of it about batches and their conversions."""

    def __init__(self, connection: Connection, namespace: str, observe: Observe = overlook) -> None:
        super().__init__(connection, namespace, observe)
        self._batches = f"/apis/{API_VERSION}/namespaces/{namespace}/{BATCH_PLURAL}"

    async def list_batches(self, read: Read[T]) -> tuple[list[T], int]:
        """Return all batches; none where the cluster does not know the kind yet."""
        try:
            return await self._list(self._batches, read)
        except NotFound:
            return [], 0

    async def select_conversions(self, query: str, read: Read[T]) -> list[T]:
        """Return the conversions whose labels are as the query says."""
        return (await self._list(self._conversions, read, labelSelector=query))[0]

    async def create_conversion(self, body: Body) -> Body:
        """Create a conversion."""
        return await self._call("POST", self._conversions, body)

    async def change_conversion(self, name: str, spec: Body) -> Body:
        """Merge into what is wanted of a conversion, whatever else has changed of it."""
        return await self._call("PATCH", f"{self._conversions}/{name}", {"spec": spec})

    async def label_batch(self, about: Metadata, labels: dict[str, str]) -> Body:
        """Add labels to a batch, if it is still as it was seen."""
        metadata = {"labels": labels, "resourceVersion": about.resource_version}
        return await self._call("PATCH", f"{self._batches}/{about.name}", {"metadata": metadata})

    async def replace_batch_status(self, about: Metadata, status: BatchStatus) -> Body:
        """Write a batch's status, if it is still as it was seen."""
        wanted = msgspec.to_builtins(status)
        return await self._put_status(BATCH_KIND, self._batches, about, wanted)

    async def tell_of_batch(self, about: Metadata, told: Announcement) -> None:
        """Tell an Event about a batch; once, however often it is told by this name."""
        text = {"type": told.kind, "reason": told.reason, "message": told.message}
        await self.create_event(told.name, about, text, BATCH_KIND)
