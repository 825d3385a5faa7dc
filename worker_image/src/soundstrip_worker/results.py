"""Stores what the converter made, once for each run, whoever else tries."""

from pathlib import Path

import msgspec

from soundstrip_crds.conversion import MeasuredLoudness, Result
from soundstrip_crds.job import CONTENT_TYPES, ConverterReport, ExitCode, FileType, JobPlan
from soundstrip_storage.connection import Documents
from soundstrip_storage.gridfs import FileWriter, find_result
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.layout import Bucket, StoredFile
from soundstrip_worker.failures import Rejected
from soundstrip_worker.untrusted import read_pieces

_NAME_LENGTH = 255


def find_stored(database: Documents, plan: JobPlan) -> Result | None:
    """Return this run's result if it is stored; its intent, if one still stands, is settled."""
    file = find_result(database, plan.uid, plan.run)
    if file is None:
        return None
    settle_intent(database, file.id)
    return _result(file)


def store_result(
    database: Documents, plan: JobPlan, path: Path, report: ConverterReport, seconds: float
) -> Result:
    """Store the file, as what the converter says that it is.

    Returns the run's result, which is another's if that was the first.

    Raises:
        Rejected: If the file is no regular one, empty, or larger than the plan's bound.
        StorageUnavailable: If MongoDB does not answer.
    """
    with FileWriter(database, Bucket.RESULTS, install=plan.install, owner=plan.owner) as writer:
        for piece in read_pieces(path, plan.max_result_bytes):
            writer.write(piece)
        if not writer.length:
            raise Rejected(ExitCode.CORRUPT_MEDIA, "The converter left an empty result.")
        metadata = {
            "conversion": plan.conversion,
            "conversionUid": plan.uid,
            "run": plan.run,
            "contentType": CONTENT_TYPES[report.file_type],
            "durationSeconds": seconds,
            "bitrate": round(writer.length * 8 / seconds),
            "copied": report.copied,
            "loudness": msgspec.to_builtins(report.loudness),
        }
        name = name_result(plan.source.filename, report.file_type)
        stored = writer.finish(name, metadata)
    settle_intent(database, writer.id)
    return _result(stored)


def name_result(filename: str, file_type: FileType) -> str:
    """Name the audio after its source: `talk.mp4` gives `talk.mp3`, at most 255 characters."""
    stem, dot, _ = filename.rpartition(".")
    extension = f".{file_type}"
    return (stem if dot and stem else filename)[: _NAME_LENGTH - len(extension)] + extension


def _result(file: StoredFile) -> Result:
    return Result(
        file_id=file.id,
        filename=file.filename,
        size=file.length,
        sha256=file.sha256,
        content_type=file.content_type,
        duration_seconds=file.metadata["durationSeconds"],
        bitrate=file.metadata["bitrate"],
        copied=bool(file.metadata.get("copied")),
        loudness=msgspec.convert(file.metadata.get("loudness"), MeasuredLoudness | None),
    )
