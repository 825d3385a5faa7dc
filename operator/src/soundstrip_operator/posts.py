"""The movers' posts of progress, let into the view no faster than the API server should write them.

Until its turn has come, nothing sees a post: whatever else has the conversion looked at meanwhile
writes none of it.
"""

from soundstrip_crds.job import ProgressPost
from soundstrip_operator.tokens import Paced, TokenBucket
from soundstrip_operator.view import AttemptKey, View
from soundstrip_operator.workqueue import Workqueue

_SECONDS = 0.5
"""A post waits so long for more news of its conversion, to be written with it."""


class Posts:
    """The latest post of each conversion, and the line that they wait in."""

    def __init__(self, view: View, queue: Workqueue, writes: TokenBucket) -> None:
        """Take `writes` as what each post takes a token of."""
        self._view = view
        self._queue = queue
        self._paced = Paced(writes, self._let_in)
        self._waiting: dict[str, tuple[AttemptKey, ProgressPost]] = {}

    def take(self, uid: str, run: int, number: int, post: ProgressPost) -> bool:
        """Take a mover's post; False if no open conversion has this uid."""
        key = self._view.find_key(uid)
        if key is None:
            return False
        self._waiting[key] = (uid, run, number), post
        self._paced.add(key)
        return True

    def _let_in(self, key: str) -> None:
        attempt, post = self._waiting.pop(key)
        if self._view.find_key(attempt[0]) == key:
            self._view.progress[attempt] = post
            self._queue.add_after(key, _SECONDS)
