"""Calls of the Kubernetes API: bounded in time, and what can go wrong in Soundstrip's words."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

_TIMEOUT_SECONDS = (2.0, 5.0)
_MOST_SENTENCE = 500


class ClusterError(Exception):
    """The API server did not do what was asked."""


class ClusterUnavailable(ClusterError):
    """The API server did not answer, or would not serve: the world's fault, worth another try."""


class ObjectGone(ClusterUnavailable):
    """The API server has no such object."""


class ObjectChanged(ClusterError):
    """Somebody else was quicker: the object is another one by now, or it is there already."""


class ObjectRefused(ClusterError):
    """The object breaks a rule of its kind; the sentence is that rule's own."""


class _Cause(msgspec.Struct):
    message: str = ""
    field: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details = msgspec.field(default_factory=_Details)


def call(method: Callable[..., Any], **arguments: Any) -> bytes:  # noqa: ANN401 - the client's own
    """Call the API server and return the JSON that it sent, unparsed.

    Raises:
        ClusterError: For whatever the client raised; no address, no credential in it.
    """
    options = {"_request_timeout": _TIMEOUT_SECONDS, "_preload_content": False} | arguments
    try:
        answer = method(**options)
        content: bytes = answer.data
    except ApiException as error:
        raise _translate(error.status, str(error.body or error.reason).encode()) from error
    except (HTTPError, OSError) as error:
        raise ClusterUnavailable(
            f"The API server did not answer ({type(error).__name__})."
        ) from error
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise _translate(answer.status, content)
    return content


def _translate(status: int | None, content: bytes) -> ClusterError:
    text = content.decode(errors="replace")[:_MOST_SENTENCE]
    match status:
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return ObjectRefused(read_rule(content) or text)
        case HTTPStatus.CONFLICT:
            return ObjectChanged(f"The API server refused with {status}: {text}")
        case HTTPStatus.NOT_FOUND:
            return ObjectGone(f"The API server refused with {status}: {text}")
        case _:
            return ClusterUnavailable(f"The API server refused with {status}: {text}")


def read_rule(content: bytes) -> str:
    """Return what an answer of status 422 says, as a sentence for people; empty if nothing."""
    try:
        status = msgspec.json.decode(content, type=_Status)
    except msgspec.DecodeError:
        return ""
    sentences = [_say(cause) for cause in status.details.causes if cause.field.startswith("spec")]
    sentences = sentences or [_say(cause) for cause in status.details.causes[:1]]
    return " ".join(dict.fromkeys(sentences)) or status.message[:_MOST_SENTENCE]


def _say(cause: _Cause) -> str:
    """Without the value: the API server shows it as Go would print it."""
    kind, _, rest = cause.message.partition(": ")
    told = rest.partition(": ")[2] or rest or kind
    sentence = told if kind == "Invalid value" else f"{cause.field}: {cause.message}"
    return f"{sentence[:1].upper()}{sentence[1:]}".rstrip(".")[:_MOST_SENTENCE] + "."
