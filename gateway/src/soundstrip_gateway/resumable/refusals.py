"""The answers of tus that are errors, each made in one place."""

from http import HTTPStatus

from soundstrip_gateway.resumable.protocol import BODY_TYPE, MISMATCH
from soundstrip_service.problems import Problem, make_problem
from soundstrip_storage.uploads import LEASE_SECONDS


def not_found() -> Problem:
    """There is no such upload, or it is somebody else's: the two look the same."""
    return make_problem(HTTPStatus.NOT_FOUND, "not-found", "You have no upload with this id.")


def expired() -> Problem:
    """It was there, but its time is over."""
    return make_problem(
        HTTPStatus.GONE, "upload-gone", "The upload is not kept any longer; begin anew."
    )


def locked() -> Problem:
    """Another request is at it."""
    detail = "Another request goes on with this upload; ask by HEAD how far it is, and try again."
    later = {"Retry-After": f"{LEASE_SECONDS:.0f}"}
    return make_problem(HTTPStatus.LOCKED, "upload-locked", detail, later)


def wrong_offset(offset: int) -> Problem:
    """The client is at another place than the upload."""
    detail = f"The upload is at byte {offset}; go on from there."
    return make_problem(HTTPStatus.CONFLICT, "upload-offset", detail, extensions={"offset": offset})


def mismatch() -> Problem:
    """The body is not what its checksum says; nothing of it was kept."""
    detail = "The bytes are not what Upload-Checksum says; send them again."
    return Problem(MISMATCH, "Checksum Mismatch", detail, slug="checksum-mismatch")


def long_metadata(limit: int) -> Problem:
    """More words than an upload may have."""
    return make_problem(
        HTTPStatus.BAD_REQUEST,
        "malformed-request",
        f"Upload-Metadata has at most {limit} bytes.",
    )


def wrong_body() -> Problem:
    """The body has another type than the protocol's."""
    return make_problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media",
        f"Send the bytes as {BODY_TYPE}.",
    )
