"""Takes up what a gateway has left that died between an upload's last byte and its conversion."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from soundstrip_crds.batch import ConversionBatch
from soundstrip_gateway.apiserver import ObjectRefused
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.orders import Order, decode_orders
from soundstrip_storage.connection import Documents
from soundstrip_storage.intents import Left, find_left, find_order, settle_intent

log = structlog.get_logger("soundstrip.gateway")


class TakeUp:
    """Creates what is ordered in the intents of complete sources: conversions, or a batch.

    Any number of gateways may do it at once: a conversion's name makes it one object. An order is
    left to whoever took the upload for `seconds`, so that a conversion which its owner deletes
    at once does not come again.
    """

    def __init__(self, database: Documents, cluster: Cluster, install: str, seconds: float) -> None:
        self._database = database
        self._cluster = cluster
        self._install = install
        self._seconds = seconds

    def look(self) -> None:
        """Take up all that is to be found now.

        Raises:
            StorageUnavailable: If MongoDB is away.
            ClusterUnavailable: If the API server is away.
        """
        before = datetime.now(UTC) - timedelta(seconds=self._seconds)
        for left in find_left(self._database, self._install, before):
            self._take(left)

    def take(self, file_id: str) -> None:
        """Take up at once what was ordered of this file, if that has not come about yet.

        Raises:
            StorageUnavailable: If MongoDB is away.
            ClusterUnavailable: If the API server is away.
        """
        left = find_order(self._database, file_id)
        if left is not None:
            self._take(left)

    def _take(self, left: Left) -> None:
        try:
            orders = decode_orders(left.order)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            log.warning("an order can't be read", file_id=left.file.id, error=str(error))
            return
        if not left.file.metadata["refs"]:  # a claimed source has had its conversion
            for order in orders:
                self._create(order)
        for file_id in {left.file.id, *_files_of(orders)}:
            settle_intent(self._database, file_id)

    def _create(self, order: Order) -> None:
        try:
            self._cluster.ensure(order)
        except ObjectRefused as error:
            log.warning("what was taken can't be made", error=str(error))
            return
        log.info("taken up", made=order.metadata.name)


def _files_of(orders: Iterable[Order]) -> Iterator[str]:
    """Yield the files of batches: the intent of each one's last file holds its order."""
    for order in orders:
        if isinstance(order, ConversionBatch):
            yield from (source.file_id for source in order.spec.items or ())
