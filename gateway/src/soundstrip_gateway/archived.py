"""An entry of the archive as the conversion that it was."""

import msgspec

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.paging import Found
from soundstrip_storage.archive import ArchivedConversion


def revive(entry: ArchivedConversion) -> Found:
    """Return the conversion as it last was.

    Raises:
        msgspec.ValidationError: If a newer operator has archived what can't be read here.
    """
    metadata = {
        "name": entry.name,
        "namespace": entry.namespace,
        "uid": entry.uid,
        "creationTimestamp": entry.created_at,
        "labels": entry.labels,
    }
    body = {"metadata": metadata, "spec": entry.spec, "status": entry.status}
    return Found(msgspec.convert(body, VideoConversion), entry.archived_at)
