"""Tells the operator how far the conversion is: once a second at most, lossy, never in the way."""

import http.client
import threading
import time
from urllib.parse import urlsplit

import msgspec

from soundstrip_crds.audio import Trim
from soundstrip_crds.conversion import Media, Progress
from soundstrip_crds.job import ProgressPost, Unreadable, read_message
from soundstrip_crds.reasons import Reason
from soundstrip_worker.failures import Rejected
from soundstrip_worker.journal import Journal
from soundstrip_worker.places import Places
from soundstrip_worker.progress import TAIL_SIZE, advance, parse_position, part_seconds
from soundstrip_worker.untrusted import read_tail, read_whole

MEDIA_LIMIT = 1 << 16
"""Bytes of a media.json that are taken from the converter."""

_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 2.0


class Observer:
    """What can be seen of the conversion from the mover's side; the mover sets the stage."""

    def __init__(self, places: Places, trim: Trim | None = None) -> None:
        self._places = places
        self._trim = trim
        self._media: Media | None = None
        self._progress: Progress | None = None
        self.stage = Reason.PENDING

    def look(self) -> ProgressPost:
        """Return the state of things; what the converter wrote wrongly is as if not written."""
        if self.stage is Reason.CONVERTING:
            self._media = self._media or self._read_media()
            self._progress = self._read_progress()
        return ProgressPost(reason=self.stage, progress=self._progress, media=self._media)

    def _read_media(self) -> Media | None:
        try:
            content = read_whole(self._places.media_report, MEDIA_LIMIT)
            return read_message(content, Media)
        except (FileNotFoundError, Rejected, Unreadable):
            return None

    def _read_progress(self) -> Progress | None:
        try:
            position = parse_position(read_tail(self._places.progress, TAIL_SIZE))
        except (FileNotFoundError, Rejected):
            return self._progress
        if position is None:
            return self._progress
        duration = self._media.duration_seconds if self._media else None
        return advance(self._progress, position, part_seconds(duration, self._trim))


class Poster:
    """Posts from a thread of its own until the process ends."""

    def __init__(self, url: str, token: str, observer: Observer, journal: Journal) -> None:
        self._address = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._observer = observer
        self._journal = journal
        self._complained = False

    def start(self) -> None:
        """Begin to post."""
        threading.Thread(target=self._run, name="poster", daemon=True).start()

    def _run(self) -> None:
        posted = b""
        while True:
            body = msgspec.json.encode(self._observer.look())
            if body != posted and self._post(body):
                posted = body
            time.sleep(_PERIOD_SECONDS)

    def _post(self, body: bytes) -> bool:
        """Return whether there was an answer that would be the same another time.

        503 is an operator that stands by: soon there is one that acts.
        """
        try:
            status = self._ask(body)
        except (OSError, http.client.HTTPException) as error:
            self._complain(type(error).__name__)
            return False
        if status >= http.HTTPStatus.BAD_REQUEST:
            self._complain(f"HTTP {status}")
        return status != http.HTTPStatus.SERVICE_UNAVAILABLE

    def _ask(self, body: bytes) -> int:
        host, port = self._address.hostname or "", self._address.port
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", self._address.path, body, self._headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _complain(self, error: str) -> None:
        if not self._complained:
            self._journal.warning("progress is not taken", error=error)
        self._complained = True
