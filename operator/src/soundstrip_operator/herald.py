"""Announcing the end of a conversion, in a queue of its own: an absent broker holds up nothing."""

from collections.abc import Awaitable, Callable

import structlog

from soundstrip_crds.events import CloudEvent
from soundstrip_operator.announcements import finished_event
from soundstrip_operator.caption import extend_caption
from soundstrip_operator.publisher import PublishFailed
from soundstrip_operator.situation import run_of
from soundstrip_operator.storage import Storage
from soundstrip_operator.view import View
from soundstrip_operator.workqueue import Retry, Workqueue
from soundstrip_storage.errors import StorageUnavailable

log = structlog.get_logger("soundstrip.herald")

Publish = Callable[[CloudEvent], Awaitable[None]]
"""Returns when the broker has confirmed the event; raises PublishFailed if it did not."""


class Herald:
    """Publishes each end until the broker has confirmed it, and then has that recorded."""

    def __init__(
        self,
        view: View,
        storage: Storage,
        publish: Publish,
        *,
        done: Workqueue,
        queue: Workqueue,
        permit: Callable[[], None],
    ) -> None:
        """Take `done` for the queue in which a confirmed end is recorded, `queue` as its own.

        `permit` raises Retry at a moment at which this operator may not act.
        """
        self._view = view
        self._storage = storage
        self._send = publish
        self._done = done
        self._queue = queue
        self._permit = permit

    def order(self, key: str) -> None:
        """Have the end of this conversion announced; a failed attempt's backoff is kept to."""
        if not self._queue.is_backing_off(key):
            self._queue.add(key)

    async def run(self) -> None:
        """Announce what is ordered, until cancelled."""
        await self._queue.run(self.announce)

    async def announce(self, key: str) -> None:
        """Publish the end of this conversion.

        Raises:
            Retry: If the broker or the store would not have it.
        """
        about = self._view.conversions.get(key)
        if about is None or about.parsed.metadata.deletion_timestamp is not None:
            return
        notified = about.parsed.status.condition("Notified")
        if notified is None or notified.status == "True":
            return
        if not self._view.is_published(about):
            await self._publish(key)
        self._view.published[about.parsed.metadata.uid] = run_of(about.parsed.status)
        self._done.add(key)

    async def _publish(self, key: str) -> None:
        conversion = self._view.conversions[key].parsed
        extend_caption(conversion.status)
        try:
            contact = await self._storage.find_contact(conversion)
            event = finished_event(conversion, contact)
            self._permit()
            await self._send(event)
        except (StorageUnavailable, PublishFailed) as error:
            raise Retry(str(error)) from error
        log.info("announced", event_id=event.id)
