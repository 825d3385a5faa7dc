"""What a route takes and answers, said beside it: read by people as OpenAPI, and by the route."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import flask
import msgspec
from msgspec import Meta

from soundstrip_service.problems import Problem, make_problem

Type = Any
"""A type that msgspec knows: of a body, of the parameters, of an answer."""

File = Annotated[Any, Meta(extra_json_schema={"type": "string", "format": "binary"})]
"""A form's field that holds a file."""

_MOST_JSON = 1 << 20

_ATTRIBUTE = "soundstrip_operation"

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Answer:
    """One answer that is no error; `content` is a type of JSON, or a media type of bytes."""

    description: str
    content: Type | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """What a request carries: by media type, a type of it, or None for bytes as they are."""

    contents: Mapping[str, Type | None]
    required: bool = True


@dataclass(frozen=True)
class Operation:
    """One method of one route.

    `problems` are the statuses of its errors beside those that each route has; `security` names
    the schemes of which any one does, none for everybody; `parts` are the types of what stands
    in the path, `headers` what the request may carry, each with its sentence.
    """

    summary: str
    tag: str
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    query: type[msgspec.Struct] | None = None
    body: Body | None = None
    security: tuple[str, ...] = ("bearer",)
    parts: Mapping[str, Type] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def describe_route(operation: Operation) -> Callable[[View], View]:
    """Return a decorator that lays the operation down beside the view; it changes no call."""

    def lay_down(view: View) -> View:
        setattr(view, _ATTRIBUTE, operation)
        return view

    return lay_down


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return what was laid down beside the view."""
    return getattr(view, _ATTRIBUTE, None)


def read_query(kind: type[T]) -> T:
    """Return the request's parameters as the type says.

    Raises:
        Problem: 400 if there is one that the type has not, twice the same, or a wrong one.
    """
    parameters = flask.request.args
    known = {each.encode_name for each in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    for name, values in parameters.lists():
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise _refuse(f"There is no parameter {name!r:.60}; there are {there}.")
        if len(values) > 1:
            raise _refuse(f"The parameter {name} is there more than once.")
    try:
        wanted = msgspec.convert(parameters.to_dict(), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _refuse(f"A parameter is wrong: {error}.") from error
    for each in msgspec.structs.fields(kind):  # type: ignore[arg-type]
        if each.encode_name in parameters and getattr(wanted, each.name) is None:
            raise _refuse(f"The parameter {each.encode_name} is null; leave it out.")
    return wanted


def read_json(kind: type[T], *media_types: str) -> T:
    """Return the request's body, of JSON or of one of these types, as the type says.

    Raises:
        Problem: 415 if it is no JSON by its type, 413 if it is larger than a mebibyte or than the
            app takes, 400 if it can't be read, 422 if it is another.
    """
    known = (*media_types, "application/json")
    if flask.request.mimetype not in known:
        detail = f"Send {' or '.join(known)}."
        raise make_problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media", detail)
    most = flask.request.max_content_length
    flask.request.max_content_length = _MOST_JSON if most is None else min(most, _MOST_JSON)
    try:
        return msgspec.json.decode(flask.request.get_data(cache=False), type=kind)
    except msgspec.ValidationError as error:
        detail = f"The body is not as it should be: {error}."
        raise make_problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable", detail) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refuse(f"The body is no JSON: {error}.") from error


def answer_json(
    body: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> flask.Response:
    """Return the answer that carries the object as JSON."""
    return flask.Response(
        msgspec.json.encode(body),
        status=status,
        headers=dict(headers or {}),
        content_type="application/json",
    )


def _refuse(detail: str) -> Problem:
    return make_problem(HTTPStatus.BAD_REQUEST, "malformed-request", detail)
