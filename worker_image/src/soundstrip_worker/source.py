"""Brings the source from GridFS to where the converter reads it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from soundstrip_crds.conversion import Source
from soundstrip_crds.job import ExitCode, JobPlan
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import FileDamaged
from soundstrip_storage.gridfs import find_file, read_file
from soundstrip_storage.layout import Bucket
from soundstrip_worker.failures import Rejected


def bring_source(database: Documents, plan: JobPlan, destination: Path) -> None:
    """Let the source appear at `destination`, whole and with the right SHA-256.

    Raises:
        Rejected: SOURCE_MISSING if the owner has no complete file with this id; CORRUPT_MEDIA if
            its bytes are not those that were uploaded.
        StorageUnavailable: If MongoDB does not answer.
    """
    file = find_file(database, Bucket.SOURCES, plan.source.file_id)
    if file is None or file.owner != plan.owner:
        raise Rejected(ExitCode.SOURCE_MISSING, "The owner has no upload with this file id.")
    draft = destination.with_name(f"{destination.name}.part")
    try:
        _write(read_file(database, Bucket.SOURCES, file), plan.source, draft)
    except FileDamaged as error:
        raise Rejected(ExitCode.SOURCE_MISSING, "A part of the upload is missing.") from error
    draft.chmod(0o644)
    draft.rename(destination)


def _write(pieces: Iterable[bytes], source: Source, draft: Path) -> None:
    digest = hashlib.sha256()
    size = 0
    with draft.open("wb", buffering=0) as file:
        for piece in pieces:
            size += len(piece)
            if size > source.size:
                break
            digest.update(piece)
            file.write(piece)
    if size != source.size or digest.hexdigest() != source.sha256:
        raise Rejected(ExitCode.CORRUPT_MEDIA, "The stored bytes are not those that were uploaded.")
