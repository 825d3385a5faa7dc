"""Whatever is seen or heard goes into the view, and the conversion that it is about is queued."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import CONVERSION_LABEL
from soundstrip_operator.batch.cluster import BatchCluster
from soundstrip_operator.cluster import Body, ClusterError
from soundstrip_operator.profiles import Profile
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workload import Job, Pod
from soundstrip_operator.workqueue import Workqueue

log = structlog.get_logger("soundstrip.intake")

T = TypeVar("T")

_CONVERSIONS = msgspec.json.Decoder(VideoConversion)
_BATCHES = msgspec.json.Decoder(ConversionBatch)
_JOBS = msgspec.json.Decoder(Job)
_PODS = msgspec.json.Decoder(Pod)

_FIRST_LIST_SECONDS = 2.0
_SECOND_LIST_SECONDS = 10.0
_STALE_FACTOR = 3


class Intake:
    """Feeds the view and the queue from watches and lists."""

    def __init__(
        self,
        view: View,
        queue: Workqueue,
        cluster: BatchCluster,
        *,
        resync: float,
    ) -> None:
        """Take `resync` as the seconds between two lists of everything."""
        self._view = view
        self._queue = queue
        self._cluster = cluster
        self._resync = resync
        self._listed_at: float | None = None
        self._unreadable = False
        self.listed = asyncio.Event()
        self.caught_up = asyncio.Event()

    def see_conversion(self, body: Body, *, gone: bool) -> None:
        """Take a VideoConversion from the watch."""
        conversion = _parse(Conversion.parse, body)
        if conversion is None:
            self._unreadable = True
            return
        if gone:
            self._view.remove_conversion(conversion.key, conversion.parsed.metadata.uid)
        else:
            self._view.put_conversion(conversion)
        self._queue.add(conversion.key)

    def see_profile(self, body: Body, *, gone: bool) -> None:
        """Take a ConversionProfile from the watch; those that may wait for it are looked at."""
        profile = _parse(Profile.parse, body)
        if profile is None:
            return
        if gone:
            self._view.profiles.remove(profile)
        else:
            self._view.profiles.put(profile)
        for key in self._view.unaccepted():
            self._queue.add(key)

    def see_batch(self, body: Body, *, gone: bool) -> None:
        """Take a ConversionBatch from the watch; it is queued by the view's register."""
        batch = _parse(ConversionBatch.parse, body)
        if batch is None:
            return
        if gone:
            self._view.batches.remove(batch)
        else:
            self._view.batches.put(batch)

    def see_job(self, body: Body, *, gone: bool) -> None:
        """Take a Job from the watch."""
        job = _parse(parse_job, body)
        if job is None:
            return
        if gone:
            self._view.jobs.remove(job)
        else:
            self._view.jobs.put(job)
        self._queue.add(job.conversion)

    def see_pod(self, body: Body, *, gone: bool) -> None:
        """Take a pod from the watch."""
        pod = _parse(parse_pod, body)
        if pod is None:
            return
        if gone:
            self._view.pods.remove(pod)
        else:
            self._view.pods.put(pod)
        self._queue.add(pod.conversion)

    async def keep_listing(self, taken: asyncio.Event) -> None:
        """List everything, now and then again: a watch that was down reports nothing that went.

        `caught_up` is set by the first list that was begun after `taken` was set: it holds all
        that was done by whoever acted before.
        """
        while True:
            may_act = taken.is_set()
            # What went between the first list and the watch is seen by the second list.
            wait = self._resync if self.listed.is_set() else min(_SECOND_LIST_SECONDS, self._resync)
            try:
                await self.list_everything()
            except ClusterError as error:
                log.warning("the cluster could not be listed", error=str(error))
                wait = max(error.pause, min(_FIRST_LIST_SECONDS, self._resync))
            else:
                if may_act:
                    self.caught_up.set()
            await (asyncio.sleep(wait) if may_act else _pause(wait, taken))

    async def list_everything(self) -> None:
        """Replace the view: profiles before what may ask for them, Jobs before their pods."""
        profiles, version = await self._cluster.list_profiles(_read_profile)
        self._view.profiles.replace(profiles, version)
        unread: list[bytes] = []
        read = partial(_read_or_note, unread)
        conversions, version = await self._cluster.list_conversions(read)
        self._unreadable = bool(unread)
        news = self._view.replace_conversions(conversions, version)
        jobs, version = await self._cluster.list_jobs(_read_job)
        news |= self._view.jobs.replace(jobs, version)
        pods, version = await self._cluster.list_pods(_read_pod)
        news |= self._view.pods.replace(pods, version)
        batches, version = await self._cluster.list_batches(_read_batch)
        self._view.batches.replace(batches, version)
        self._listed_at = time.monotonic()
        self.listed.set()
        for key in news | self._view.unsettled():
            self._queue.add(key)

    def missing(self) -> dict[str, str]:
        """Say what is missing for the view to be true; a store that is away is waited for."""
        if self._listed_at is None:
            return {"kubernetes": "The conversions have not been listed yet."}
        age = time.monotonic() - self._listed_at
        if age > _STALE_FACTOR * self._resync:
            return {"kubernetes": f"The conversions were last listed {age:.0f} s ago."}
        return {}

    def sees_all(self) -> bool:
        """Say whether the view holds every conversion: it is fresh, and none was unreadable."""
        return not self.missing() and not self._unreadable


async def _pause(seconds: float, end: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await end.wait()


def parse_job(body: Body) -> Job:
    """Read the fields of a Job that count here."""
    return msgspec.convert(body, Job)


def parse_pod(body: Body) -> Pod:
    """Read the fields of a pod that count here."""
    return msgspec.convert(body, Pod)


def read_conversion(text: msgspec.Raw) -> Conversion | None:
    """Read a VideoConversion of a list; None for one that this operator can't read."""
    parsed = _read(_CONVERSIONS, text)
    return None if parsed is None else Conversion(parsed)


def _read_or_note(unread: list[bytes], text: msgspec.Raw) -> Conversion | None:
    found = read_conversion(text)
    if found is None:
        unread.append(bytes(text))
    return found


def _read_profile(text: msgspec.Raw) -> Profile | None:
    return _parse(Profile.parse, msgspec.json.decode(text))


def _read_batch(text: msgspec.Raw) -> ConversionBatch | None:
    return _read(_BATCHES, text)


def _read_job(text: msgspec.Raw) -> Job | None:
    return _read(_JOBS, text)


def _read_pod(text: msgspec.Raw) -> Pod | None:
    return _read(_PODS, text)


def _read(decoder: msgspec.json.Decoder[T], text: msgspec.Raw) -> T | None:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        _leave_alone(msgspec.json.decode(text), error)
        return None


def _parse(parse: Callable[[Body], T], body: Body) -> T | None:
    try:
        return parse(body)
    except msgspec.ValidationError as error:
        _leave_alone(body, error)
        return None


def _leave_alone(body: Body, error: msgspec.ValidationError) -> None:
    """What can't be read is of a version that this operator does not know."""
    metadata = body.get("metadata", {})
    name = metadata.get("name", "?")
    log.warning(
        "an object is left alone",
        kind=body.get("kind"),
        name=name,
        conversion=(metadata.get("labels") or {}).get(CONVERSION_LABEL, name),
        error=str(error),
    )
