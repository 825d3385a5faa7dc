"""Carrying out what was decided; what comes of it goes into the view and the facts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

import msgspec
import structlog

from soundstrip_crds.conversion import Status, VideoConversion
from soundstrip_crds.names import FINALIZER, OWNER_LABEL
from soundstrip_operator.actions import (
    AdoptConversion,
    ArchiveConversion,
    ClaimSource,
    ConfirmJobGone,
    CreateJob,
    DeleteJob,
    ExpireConversion,
    LookUpResult,
    LookUpWarning,
    RemoveBlobs,
    RemoveFinalizer,
    RequestPlace,
    Task,
    WriteStatus,
)
from soundstrip_operator.announcements import Announcement, announce, event_name
from soundstrip_operator.caption import extend_caption
from soundstrip_operator.cluster import Body, Cluster, ClusterError, Conflict, Refused
from soundstrip_operator.intake import parse_job
from soundstrip_operator.job import Attempt, Worker, build_job
from soundstrip_operator.places import Places
from soundstrip_operator.situation import Answer, Facts
from soundstrip_operator.storage import Storage
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Retry
from soundstrip_storage.errors import StorageUnavailable

log = structlog.get_logger("soundstrip.carrying")

SeeStep = Callable[[VideoConversion, Status], None]
"""Takes a conversion as it was, and the status that it has now."""


class Hands:
    """Reaches out to Kubernetes and the store."""

    def __init__(
        self,
        view: View,
        *,
        places: Places,
        cluster: Cluster,
        storage: Storage,
        worker: Worker,
        observers: Sequence[SeeStep],
        clock: Callable[[], datetime],
    ) -> None:
        """Take `observers` for who is told of each status that is written."""
        self._observers = observers
        self._clock = clock
        self._view = view
        self._places = places
        self._cluster = cluster
        self._storage = storage
        self._worker = worker
        self._untold: dict[str, list[tuple[VideoConversion, Announcement]]] = {}

    async def carry_out(self, task: Task, about: Conversion, facts: Facts) -> Facts:
        """Do it, and return the facts with what was found out.

        Raises:
            ClusterError: If Kubernetes did not do it.
            Retry: If it can only be done later.
        """
        match task:
            case ClaimSource() | LookUpResult() | RemoveBlobs() | ArchiveConversion():
                return await self._ask_storage(task, about, facts)
            case ConfirmJobGone() | LookUpWarning():
                return await self._ask_cluster(task, about, facts)
            case RequestPlace() | CreateJob() | DeleteJob():
                return await self._handle_job(task, about, facts)
            case AdoptConversion() | WriteStatus() | RemoveFinalizer() | ExpireConversion():
                await self._change(task, about)
                return facts
            case _ as never:
                assert_never(never)

    async def _ask_storage(
        self,
        task: ClaimSource | LookUpResult | RemoveBlobs | ArchiveConversion,
        about: Conversion,
        facts: Facts,
    ) -> Facts:
        conversion = about.parsed
        try:
            match task:
                case ClaimSource():
                    claimed = await self._storage.claim_source(conversion)
                    return replace(facts, source=Answer.YES if claimed else Answer.NO)
                case LookUpResult():
                    result = await self._storage.find_result(conversion)
                    return replace(facts, result=result or Answer.NO)
                case RemoveBlobs():
                    await self._storage.remove_blobs(conversion)
                    return replace(facts, blobs_removed=True)
                case ArchiveConversion():
                    return await self._archive(about, facts)
                case _ as never:
                    assert_never(never)
        except StorageUnavailable as error:
            return replace(facts, storage_down=str(error))

    async def _archive(self, about: Conversion, facts: Facts) -> Facts:
        """The object itself is archived, whole: the view holds only what is read."""
        body = await self._cluster.get_conversion(about.key)
        found = Conversion.parse(body)
        self._view.put_conversion(found)
        if found.version != about.version:
            return facts
        await self._storage.archive(body, self._clock())
        return replace(facts, archived=found.parsed.metadata.resource_version)

    async def _ask_cluster(
        self, task: ConfirmJobGone | LookUpWarning, about: Conversion, facts: Facts
    ) -> Facts:
        match task:
            case ConfirmJobGone(name):
                body = await self._cluster.get_job(name)
                if body is not None:
                    self._view.jobs.put(parse_job(body))
                return replace(facts, job_gone=Answer.YES if body is None else Answer.NO)
            case LookUpWarning(name):
                jobs = self._view.jobs.of(about.key)
                uid = next((job.metadata.uid for job in jobs if job.metadata.name == name), "")
                return replace(facts, warning=await self._cluster.find_warning(uid))
            case _ as never:
                assert_never(never)

    async def _handle_job(
        self, task: RequestPlace | CreateJob | DeleteJob, about: Conversion, facts: Facts
    ) -> Facts:
        match task:
            case RequestPlace():
                kept = self._places.keep(about.key, self._clock())
                return replace(facts, place=Answer.YES if kept else Answer.NO)
            case CreateJob():
                return await self._create_job(task, about, facts)
            case DeleteJob(name, uid):
                body = await self._cluster.delete_job(name, uid)
                self._take_deleted(about, name, body)
                return facts
            case _ as never:
                assert_never(never)

    async def _create_job(self, task: CreateJob, about: Conversion, facts: Facts) -> Facts:
        attempt = Attempt(task.run, task.number, task.growth)
        body = build_job(about.parsed, attempt, self._worker)
        self._places.commit(about.key)
        try:
            made = await self._cluster.create_job(body)
        except Conflict:
            made = await self._find_own_job(body, about)
        except Refused as error:
            self._places.release(about.key, self._clock())
            return replace(facts, refusal=str(error))
        self._view.jobs.put(parse_job(made))
        return facts

    async def _find_own_job(self, wanted: Body, about: Conversion) -> Body:
        """A Job of the name is there: the one that an earlier life, or a lost answer, made."""
        name = wanted["metadata"]["name"]
        found = await self._cluster.get_job(name)
        if found is None or not parse_job(found).belongs_to(about.parsed.metadata.uid):
            raise Retry(f"the name {name} is taken by another Job")
        return found

    def _take_deleted(self, about: Conversion, name: str, body: Body | None) -> None:
        if body is None:
            self._view.jobs.discard(about.key, name)
        elif body.get("kind") == "Job":
            self._view.jobs.put(parse_job(body))

    async def _change(
        self,
        task: AdoptConversion | WriteStatus | RemoveFinalizer | ExpireConversion,
        about: Conversion,
    ) -> None:
        match task:
            case AdoptConversion():
                await self._adopt(about)
            case WriteStatus(status):
                await self._write_status(about, status)
            case RemoveFinalizer(abandoned):
                if abandoned:
                    log.warning("a conversion goes without its blobs")
                await self._let_go(about)
                self._view.remove_conversion(about.key, about.parsed.metadata.uid)
            case ExpireConversion():
                await self._expire(about)
            case _ as never:
                assert_never(never)

    async def _let_go(self, about: Conversion) -> Body:
        metadata = about.parsed.metadata
        others = [one for one in metadata.finalizers if one != FINALIZER]
        return await self._patch(about, {"finalizers": others})

    async def _expire(self, about: Conversion) -> None:
        body = await self._let_go(about)
        self._view.put_conversion(Conversion.parse(body))
        await self._cluster.delete_conversion(body)
        self._view.remove_conversion(about.key, about.parsed.metadata.uid)
        log.info("expired", conversion=about.key)

    async def _adopt(self, about: Conversion) -> None:
        metadata, owner = about.parsed.metadata, about.parsed.spec.owner.id
        finalizers = list(dict.fromkeys((*metadata.finalizers, FINALIZER)))
        body = await self._patch(about, {"finalizers": finalizers, "labels": {OWNER_LABEL: owner}})
        self._view.put_conversion(Conversion.parse(body))

    async def _patch(self, about: Conversion, metadata: Body) -> Body:
        version = {"resourceVersion": about.parsed.metadata.resource_version}
        return await self._cluster.patch_conversion(about.key, metadata | version)

    async def _write_status(self, about: Conversion, status: Status) -> None:
        wanted = msgspec.to_builtins(status)
        body = await self._cluster.replace_status(about.parsed.metadata, wanted)
        self._view.put_conversion(Conversion.parse(body))
        for see_step in self._observers:
            see_step(about.parsed, status)
        extend_caption(status)
        for news in announce(about.parsed.status, status):
            log.info(news.reason, message=news.message)
            self._untold.setdefault(about.key, []).append((about.parsed, news))

    async def tell(self, key: str) -> None:
        """Write the Events on a conversion that came of what was done; one that fails is lost.

        They wait for this, so that no Job waits for them.
        """
        for conversion, news in self._untold.pop(key, ()):
            text = {"type": news.kind, "reason": news.reason, "message": news.message}
            try:
                name = event_name(conversion, news)
                await self._cluster.create_event(name, conversion.metadata, text)
            except ClusterError as error:
                log.warning("an Event was not told", reason=news.reason, error=str(error))
