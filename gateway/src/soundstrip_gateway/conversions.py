"""Conversions as their owners see them: whose they are not, they do not exist for."""

from collections.abc import Collection, Container, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import assert_never

from soundstrip_crds.conversion import Result, VideoConversion
from soundstrip_crds.names import FINALIZER
from soundstrip_gateway.apiserver import ObjectChanged
from soundstrip_gateway.archived import revive
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.ids import parse_conversion_id
from soundstrip_gateway.library import Library
from soundstrip_gateway.paging import Found, Listing, Page, choose_page, place_of
from soundstrip_gateway.refusals import busy, failed, gone, not_found, unfinished
from soundstrip_gateway.searches import admits
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.views import Failed, Ready, Underway, judge
from soundstrip_storage.estate import Estate
from soundstrip_storage.history import Criteria, History, Order, Share
from soundstrip_storage.layout import StoredFile

_DELETIONS = 3
"""Tries to delete an object that somebody else makes anew at the same time."""


class Conversions:
    """Those in the cluster, and those that have expired and are in the archive.

    Every method raises ClusterUnavailable or StorageUnavailable while the other side is away.
    """

    def __init__(self, cluster: Cluster, history: History, estate: Estate) -> None:
        self._cluster = cluster
        self._history = history
        self._estate = estate

    def find(self, caller: Caller, text: str) -> Found:
        """Return the caller's conversion with this id.

        Raises:
            Problem: 404 if there is none, it is another's, or the id can't be one.
        """
        name = parse_conversion_id(text)
        found = self.look(caller.id, name) if name else None
        if found is None:
            raise not_found()
        return found

    def look(self, owner: str, name: str) -> Found | None:
        """Return the owner's conversion of this name: the object, or else the archive's entry."""
        live = self._live(owner, name)
        if live is not None and live.metadata.deletion_timestamp is None:
            return Found(live)
        entry = self._history.find(owner, name)
        if entry is None or (live is not None and live.metadata.uid == entry.uid):
            return None
        return revive(entry)

    def page(self, caller: Caller, wanted: Listing) -> Page:
        """Return a page of the caller's conversions for which the criteria hold."""
        names: set[str] = set()

        def choose(found: Iterable[Found]) -> Page:
            return choose_page(found, wanted.order, wanted.after, wanted.limit)

        live = choose(self._scan(caller, wanted.criteria, names))
        archived = choose(self._read_archive(caller, wanted, names))
        page = choose((*live.items, *archived.items))
        if page.next is None and page.items and (live.next or archived.next):
            return Page(page.items, place_of(page.items[-1].conversion, wanted.order))
        return page

    def delete(self, caller: Caller, text: str) -> frozenset[str]:
        """Delete a conversion with all that belongs to it, expired or not, and return the uids.

        An object that expires at this moment is past the operator's care: it is gone when we ask
        for its deletion, or nothing holds it, and its files are removed here.

        Raises:
            Problem: 404 as `find` does; 503 if it is made anew again and again.
        """
        name = self.find(caller, text).conversion.metadata.name
        live = self._delete_live(caller, name)
        older = [e for e in self._history.entries(caller.id, name) if e.uid != live]
        for entry in older:
            self._estate.remove(entry.uid, str(entry.spec["source"]["fileId"]))
        return frozenset(entry.uid for entry in older) | ({live} if live else frozenset())

    def all_of(self, caller: Caller, criteria: Criteria) -> Iterator[Found]:
        """Yield all of the caller's conversions for which the criteria hold, in no order."""
        names: set[str] = set()
        yield from self._scan(caller, criteria, names)
        for entry in self._history.select(caller.id, criteria, Order(), None):
            found = revive(entry)
            if entry.name not in names and admits(criteria, found.conversion):
                yield found

    def live_of(self, caller: Caller) -> list[VideoConversion]:
        """Return the caller's conversions in the cluster."""
        return list(self._cluster.scan(caller.id))

    def archived_of(self, caller: Caller, since: datetime, besides: Collection[str]) -> list[Share]:
        """Return what the caller's entries in the archive come to, without these uids."""
        return self._history.summarize(caller.id, since, besides)

    def _delete_live(self, caller: Caller, name: str) -> str | None:
        """Delete the object of this name, if there is one, and return its uid."""
        for _ in range(_DELETIONS):
            live = self._live(caller.id, name)
            if live is None:
                return None
            try:
                held_by = self._cluster.delete(live)
            except ObjectChanged:
                continue
            if FINALIZER in held_by:
                self._estate.forget(live.metadata.uid)
            else:
                self._estate.remove(live.metadata.uid, live.spec.source.file_id)
            return live.metadata.uid
        raise busy()

    def _live(self, owner: str, name: str) -> VideoConversion | None:
        live = self._cluster.conversions.find(name, leaving=True)
        return live if live is not None and live.spec.owner.id == owner else None

    def _scan(self, caller: Caller, criteria: Criteria, names: set[str]) -> Iterator[Found]:
        """Yield what is in the cluster, and note every name that is: the archive's is older."""
        for conversion in self._cluster.scan(caller.id, leaving=True):
            names.add(conversion.metadata.name)
            if conversion.metadata.deletion_timestamp is None and admits(criteria, conversion):
                yield Found(conversion)

    def _read_archive(
        self, caller: Caller, wanted: Listing, names: Container[str]
    ) -> Iterator[Found]:
        """Yield no more than a page and one from the archive, which comes in order."""
        entries = self._history.select(caller.id, wanted.criteria, wanted.order, wanted.after)
        found = (revive(entry) for entry in entries if entry.name not in names)
        chosen = (one for one in found if admits(wanted.criteria, one.conversion))
        return islice(chosen, wanted.limit + 1)


def ready_result(found: Found) -> Result:
    """Return the result of a conversion that has succeeded.

    Raises:
        Problem: 409 if there is none, or none yet.
    """
    outcome = judge(found.conversion)
    match outcome:
        case Ready(result):
            return result
        case Underway():
            raise unfinished(outcome)
        case Failed():
            raise failed(outcome)
        case _:
            assert_never(outcome)


def find_audio(library: Library, caller: Caller, result: Result) -> StoredFile:
    """Return the stored audio of the caller's conversion.

    Raises:
        Problem: 410 if it is not stored any more.
        StorageUnavailable: If MongoDB is away.
    """
    file = library.find(result, caller.id)
    if file is None:
        raise gone()
    return file
