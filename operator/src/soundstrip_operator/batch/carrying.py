"""Carrying out what was decided on a batch; what comes of it goes into view and register."""

from dataclasses import replace
from typing import assert_never

import structlog

from soundstrip_crds.batch import BatchStatus, ConversionBatch
from soundstrip_crds.names import OWNER_LABEL
from soundstrip_operator.batch.actions import (
    ChangeChild,
    CreateChild,
    LabelBatch,
    SelectSources,
    Task,
    WriteStatus,
)
from soundstrip_operator.batch.announcements import announce
from soundstrip_operator.batch.child import find_batch
from soundstrip_operator.batch.cluster import BatchCluster
from soundstrip_operator.batch.plan import build_child
from soundstrip_operator.batch.selection import gather_sources, write_query
from soundstrip_operator.batch.situation import Facts
from soundstrip_operator.cluster import Body, ClusterError, Conflict, NotFound, Refused
from soundstrip_operator.intake import read_conversion
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Retry

log = structlog.get_logger("soundstrip.batch")


class BatchHands:
    """Reaches out to Kubernetes."""

    def __init__(self, view: View, cluster: BatchCluster) -> None:
        self._view = view
        self._cluster = cluster

    async def carry_out(self, task: Task, about: ConversionBatch, facts: Facts) -> Facts:
        """Do it, and return the facts with what was found out.

        Raises:
            ClusterError: If Kubernetes did not do it.
            Retry: If it can only be done later.
        """
        match task:
            case LabelBatch():
                labels = {OWNER_LABEL: about.spec.owner.id}
                self._take(await self._cluster.label_batch(about.metadata, labels))
            case SelectSources():
                return await self._select(about, facts)
            case CreateChild():
                return await self._create(task, about, facts)
            case ChangeChild():
                await self._change(task)
            case WriteStatus(status):
                await self._write_status(about, status)
            case _ as never:
                assert_never(never)
        return facts

    async def _select(self, about: ConversionBatch, facts: Facts) -> Facts:
        if about.spec.selector is None:
            raise ValueError(f"{about.metadata.name} has no selector")
        query = write_query(about.spec.selector)
        try:
            selected = await self._cluster.select_conversions(query, read_conversion)
        except Refused as error:
            return replace(facts, refusal=str(error))
        parsed = [conversion.parsed for conversion in selected]
        return replace(facts, selected=gather_sources(about, parsed))

    async def _create(self, task: CreateChild, about: ConversionBatch, facts: Facts) -> Facts:
        name = task.item.name
        try:
            body = await self._cluster.create_conversion(
                build_child(about, task.item, suspend=task.suspend)
            )
        except Conflict:
            return self._meet_namesake(name, about, facts)
        except Refused as error:
            return replace(facts, refusal=str(error))
        self._view.put_conversion(Conversion.parse(body))
        return facts

    def _meet_namesake(self, name: str, about: ConversionBatch, facts: Facts) -> Facts:
        """It is the one that an earlier life, or a lost answer, made; or somebody else's."""
        found = self._view.conversions.get(name)
        if found is None:
            raise Retry(f"{name} is there, and was not seen yet")
        batch = find_batch(found.parsed)
        if batch is not None and batch.uid == about.metadata.uid:
            return facts
        taken = f"There is a {name} that is not of this batch; delete it, and the batch goes on."
        return replace(facts, refusal=taken)

    async def _change(self, task: ChangeChild) -> None:
        wanted = {
            "suspend": task.suspend,
            "priority": task.priority,
            "cancelled": task.cancelled,
        }
        spec = {field: value for field, value in wanted.items() if value is not None}
        try:
            body = await self._cluster.change_conversion(task.name, spec)
        except NotFound:
            self._view.remove_conversion(task.name)
        else:
            self._view.put_conversion(Conversion.parse(body))

    async def _write_status(self, about: ConversionBatch, status: BatchStatus) -> None:
        self._take(await self._cluster.replace_batch_status(about.metadata, status))
        told = announce(about, status)
        if told is None:
            return
        log.info(told.reason, batch=about.metadata.name, message=told.message)
        try:
            await self._cluster.tell_of_batch(about.metadata, told)
        except ClusterError as error:
            log.warning("an Event was not told", reason=told.reason, error=str(error))

    def _take(self, body: Body) -> None:
        self._view.batches.put(ConversionBatch.parse(body))
