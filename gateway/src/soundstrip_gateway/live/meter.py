"""What is worth counting, told by those to whom it happens; without instruments, to nobody."""

from collections.abc import Iterable
from typing import Literal

from soundstrip_gateway.live.backlog import Event
from soundstrip_gateway.live.tickets import Verdict

Beginning = Literal["new", "resumed"]
WatchEnd = Literal["ended", "too_old", "unavailable"]


class Meter:
    """Counts nothing."""

    def see_opened(self, beginning: Beginning) -> None:
        """Take a stream that begins."""

    def see_refused(self, verdict: Verdict) -> None:
        """Take a user's ticket for which there was no place."""

    def see_stalled(self) -> None:
        """Take a stream whose client took nothing for too long."""

    def see_sent(self, events: Iterable[Event]) -> None:
        """Take events that were written."""

    def see_watch_end(self, cause: WatchEnd) -> None:
        """Take the end of a watch at the API server."""
