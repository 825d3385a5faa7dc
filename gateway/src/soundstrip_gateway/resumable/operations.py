"""What the routes of resumable uploads take and answer."""

from typing import Annotated

from msgspec import Meta

from soundstrip_gateway.resumable.protocol import ALGORITHMS, BODY_TYPE, MISMATCH
from soundstrip_service.operations import Answer, Body, Operation

UploadId = Annotated[str, Meta(pattern="^[0-9a-f]{24}$")]

_VERSION = {"Tus-Resumable": "1.0.0"}
_STATE = {
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": "how many bytes have come",
    "Upload-Expires": "until when the upload is kept",
    "Soundstrip-Conversion": "when all has come: where the conversion is",
}
_BYTES = Body({BODY_TYPE: None}, required=False)
_PARTS = {"upload_id": UploadId}

OPTIONS = Operation(
    "Ask what the server can do of tus",
    "uploads",
    {204: Answer("This", headers={"Tus-Version": "1.0.0", "Tus-Extension": "what it can do"})},
    security=(),
)
CREATE = Operation(
    "Begin an upload that survives a lost connection (tus 1.0.0)",
    "uploads",
    {201: Answer("Begun", headers=_STATE | {"Location": "where the bytes go"})},
    problems=(400, 408, 412, 413, 415, 422, 423),
    body=_BYTES,
    headers=_VERSION
    | {
        "Upload-Length": "the whole length in bytes",
        "Upload-Defer-Length": "1, if the length is told later",
        "Upload-Metadata": "filename, filetype and the fields of an upload, each in Base64",
        "Upload-Checksum": "of the body, if there is one",
    },
)
SHOW = Operation(
    "Ask how far an upload is",
    "uploads",
    {200: Answer("So far", headers=_STATE | {"Upload-Length": "the whole length, if known"})},
    problems=(404, 410, 412),
    parts=_PARTS,
    headers=_VERSION,
)
APPEND = Operation(
    "Send the next bytes of an upload",
    "uploads",
    {
        204: Answer("Taken", headers=_STATE),
        MISMATCH: Answer("The checksum is another's", "application/problem+json"),
    },
    problems=(400, 404, 408, 409, 410, 412, 413, 415, 422, 423),
    body=_BYTES,
    parts=_PARTS,
    headers=_VERSION
    | {
        "Upload-Offset": "how many bytes have come",
        "Upload-Length": "the whole length, if it was to be told later",
        "Upload-Checksum": f"the body's: {ALGORITHMS}, and the digest in Base64",
    },
)
END = Operation(
    "Give an upload up",
    "uploads",
    {204: Answer("Gone", headers=_VERSION)},
    problems=(404, 410, 412, 423),
    parts=_PARTS,
    headers=_VERSION,
)
OVERRIDE = Operation(
    "Send X-HTTP-Method-Override: PATCH, DELETE or HEAD by POST, where nothing else can be sent",
    "uploads",
    {200: Answer("As HEAD", headers=_STATE), 204: Answer("As the other two", headers=_STATE)},
    problems=(400, 404, 408, 409, 410, 412, 413, 415, 422, 423),
    body=_BYTES,
    parts=_PARTS,
    headers=_VERSION | {"X-HTTP-Method-Override": "what is meant"},
)
