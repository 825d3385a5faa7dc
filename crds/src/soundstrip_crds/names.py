"""Names that other rooms, and people, rely on."""

import hashlib

GROUP = "soundstrip.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "VideoConversion"
PLURAL = "videoconversions"
PROFILE_KIND = "ConversionProfile"
PROFILE_PLURAL = "conversionprofiles"
BATCH_KIND = "ConversionBatch"
BATCH_PLURAL = "conversionbatches"

FINALIZER = f"{GROUP}/storage"
"""Held until a conversion's Job, pods, result and claim on its source are gone."""

OWNER_LABEL = f"{GROUP}/owner"
CONVERSION_LABEL = f"{GROUP}/conversion"
RUN_LABEL = f"{GROUP}/run"
TRY_LABEL = f"{GROUP}/try"
BATCH_LABEL = f"{GROUP}/batch"
"""The name of the batch that made a conversion."""

KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"
"""Label, and for older releases of Kueue annotation, of a Job that Kueue admits."""

TRACEPARENT_ANNOTATION = f"{GROUP}/traceparent"
"""W3C Trace Context of the request that created a conversion; its trace goes on from there."""

INSTALL_ANNOTATION = f"{GROUP}/install"
"""The id of the installation that a Lease is of."""

MOVER = "mover"
CONVERTER = "converter"

_JOB_NAME_STEM = 40


def conversion_name(file_id: str) -> str:
    """Name the conversion of a source, so that creating it twice makes one object."""
    return f"vc-{file_id}"


def output_name(file_id: str, output: str) -> str:
    """Name the conversion of a source to a further output, given in its canonical form."""
    digest = hashlib.sha256(output.encode()).hexdigest()[:8]
    return f"{conversion_name(file_id)}-{digest}"


def child_name(file_id: str, batch_uid: str, output: str) -> str:
    """Name a batch's conversion of a source to an output, which is given in its canonical form.

    A batch that was deleted and made again has another uid, so it never meets an old conversion.
    """
    digest = hashlib.sha256(f"{batch_uid}/{output}".encode()).hexdigest()[:8]
    return f"{conversion_name(file_id)}-{digest}"


def job_name(conversion: str, uid: str, run: int, try_number: int) -> str:
    """Name the Job of one try: at most 63 characters, and of this object only.

    A conversion that was deleted and made again has another uid, so it never meets an old Job.
    """
    digest = hashlib.sha256(uid.encode()).hexdigest()[:8]
    return f"{conversion[:_JOB_NAME_STEM]}-{digest}-{run}-{try_number}"
