"""Brings the source from GridFS to where the converter reads it: the parts with audio, or all."""

from collections.abc import Iterator
from contextlib import contextmanager

from soundstrip_crds.job import ExitCode, JobPlan
from soundstrip_media.layout import Layout, Wanted
from soundstrip_media.readers import read_layout
from soundstrip_media.reading import NotUnderstood
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import FileDamaged
from soundstrip_storage.gridfs import find_file
from soundstrip_storage.layout import Bucket, StoredFile
from soundstrip_worker.coverage import encode_ranges
from soundstrip_worker.download import Download
from soundstrip_worker.failures import Rejected
from soundstrip_worker.journal import Journal
from soundstrip_worker.places import Places, publish
from soundstrip_worker.seeking import wanted_of

_SMALL = 1 << 22
"""Bytes of a file that comes whole in the time that its index would take."""

_MOST_SHARE = 0.9
"""Of a file that is needed almost all, the rest is worth the proof that it is unchanged."""


def bring_source(database: Documents, plan: JobPlan, places: Places, journal: Journal) -> Download:
    """Let the source appear: its audio and index among holes, or whole with the right SHA-256.

    Raises:
        Rejected: SOURCE_MISSING if the owner has no complete file with this id; CORRUPT_MEDIA if
            its bytes are not those that were uploaded.
        StorageUnavailable: If MongoDB does not answer.
    """
    file = _find(database, plan)
    draft = places.media.with_name(f"{places.media.name}.part")
    download = Download(database, file, draft)
    with _no_damage():
        layout = _choose(download, wanted_of(plan.output), journal)
        if layout is None:
            _require_whole(download, plan)
        else:
            download.bring(layout.ranges)
            download.mark(layout.skips)
            publish(places.ranges, encode_ranges(download.ranges()))
    draft.chmod(0o644)
    draft.rename(places.media)
    return download


def complete_source(download: Download, plan: JobPlan, places: Places) -> None:
    """Fill the holes, and say so when the SHA-256 is right; raises as `bring_source` does."""
    with _no_damage():
        _require_whole(download, plan)
    publish(places.whole, b"")


def _find(database: Documents, plan: JobPlan) -> StoredFile:
    file = find_file(database, Bucket.SOURCES, plan.source.file_id)
    if file is None or file.owner != plan.owner:
        raise Rejected(ExitCode.SOURCE_MISSING, "The owner has no upload with this file id.")
    if file.length != plan.source.size:
        raise _changed()
    return file


def _choose(download: Download, wanted: Wanted, journal: Journal) -> Layout | None:
    """Return what is needed of a file; None for all of it."""
    try:
        return _look_up(download, wanted)
    except NotUnderstood as reason:
        journal.info("source needed whole", why=str(reason))
        return None


def _look_up(download: Download, wanted: Wanted) -> Layout:
    if download.size <= _SMALL:
        raise NotUnderstood("it is small")
    layout = read_layout(download, grain=download.grain, wanted=wanted)
    if sum(each.length for each in layout.ranges) > _MOST_SHARE * download.size:
        raise NotUnderstood("its audio is all over the file")
    return layout


def _require_whole(download: Download, plan: JobPlan) -> None:
    if download.complete() != plan.source.sha256:
        raise _changed()


def _changed() -> Rejected:
    return Rejected(ExitCode.CORRUPT_MEDIA, "The stored bytes are not those that were uploaded.")


@contextmanager
def _no_damage() -> Iterator[None]:
    try:
        yield
    except FileDamaged as error:
        raise Rejected(ExitCode.SOURCE_MISSING, "A part of the upload is missing.") from error
