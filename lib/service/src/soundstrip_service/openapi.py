"""The OpenAPI 3.1 document of an app, made of what its routes say of themselves."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta
from werkzeug.routing import Rule

from soundstrip_service.operations import Answer, Body, Operation, Type, operation_of

SCHEMES = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
"""Who logs in sends a password, everybody else a token."""

_SCHEMAS = "#/components/schemas/{name}"
_STRING = {"type": "string"}
_ARGUMENT = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
_QUIET_METHODS = frozenset({"HEAD", "OPTIONS"})
_EVERYWHERE = (429, 503)
"""Each route may be asked too often, or need something that is away."""


class ProblemDetails(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What is wrong, by RFC 9457; there may be more members, such as `reason` and `limit`."""

    type: Annotated[str, Meta(description="stable; ends in the kind's name")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    request_id: Annotated[str, Meta(description="under which the service's log has it")]
    detail: Annotated[str, Meta(description="a sentence that says what to do")] | None = None


@dataclass(frozen=True)
class Elsewhere:
    """Another page that people will look for here."""

    description: str
    url: str


@dataclass(frozen=True)
class About:
    """What the document says of the whole; `schemes` are OpenAPI's own security schemes."""

    title: str
    version: str
    description: str
    schemes: Mapping[str, Mapping[str, Any]]
    tags: Mapping[str, str]
    elsewhere: Elsewhere | None = None

    def beside(self, neighbour: str, url: str | None) -> "About":
        """Return it with the way to the page of a service at this URL, if that is known."""
        if url is None:
            return self
        return replace(self, elsewhere=Elsewhere(neighbour, f"{url.rstrip('/')}/docs"))


def describe_app(app: flask.Flask, about: About) -> dict[str, Any]:
    """Return the document of every route that describes itself; of the others, nothing."""
    routes = sorted(_find_operations(app), key=lambda each: each[0].rule)
    schemas = _Schemas([t for _, _, operation in routes for t in _types(operation)])
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, operation in routes:
        path = paths.setdefault(_path(rule), {})
        path[method.lower()] = _operation(rule, method, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": about.version,
            "description": about.description,
        },
        **_external(about.elsewhere),
        "tags": [{"name": name, "description": text} for name, text in about.tags.items()],
        "paths": paths,
        "components": {"schemas": schemas.used(), "securitySchemes": about.schemes},
    }


def _external(elsewhere: Elsewhere | None) -> dict[str, Any]:
    if elsewhere is None:
        return {}
    return {"externalDocs": {"description": elsewhere.description, "url": elsewhere.url}}


def undescribed_routes(app: flask.Flask) -> list[str]:
    """Return the rules of the routes that say nothing of themselves."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if operation_of(app.view_functions[rule.endpoint]) is None
    )


def _find_operations(app: flask.Flask) -> Iterator[tuple[Rule, str, Operation]]:
    for rule in app.url_map.iter_rules():
        operation = operation_of(app.view_functions[rule.endpoint])
        for method in sorted((rule.methods or set()) - _QUIET_METHODS):
            if operation is not None:
                yield rule, method, operation


def _types(operation: Operation) -> Iterator[Type]:
    """Yield every type that has a schema."""
    yield ProblemDetails
    yield from operation.parts.values()
    if operation.query is not None:
        yield operation.query
    if operation.body is not None:
        yield from (kind for kind in operation.body.contents.values() if kind is not None)
    for answer in operation.answers.values():
        if answer.content is not None and not isinstance(answer.content, str):
            yield answer.content


class _Schemas:
    """The schemas of some types, each named type once."""

    def __init__(self, kinds: list[Type]) -> None:
        schemas, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS)
        self._by_type = list(zip(kinds, schemas, strict=True))
        self._components = components
        self._queries: set[str] = set()

    def of(self, kind: Type) -> dict[str, Any]:
        return next(schema for known, schema in self._by_type if known == kind)

    def used(self) -> dict[str, Any]:
        """Return all but those of queries, whose parameters stand one by one."""
        return {name: s for name, s in self._components.items() if name not in self._queries}

    def parameters_of(self, kind: type[msgspec.Struct]) -> Iterator[dict[str, Any]]:
        """Yield a query's parameters, one for each of the type's fields."""
        schema = self._components[kind.__name__]
        self._queries.add(kind.__name__)
        for name, of_field in schema["properties"].items():
            yield {
                "name": name,
                "in": "query",
                "required": name in schema["required"],
                "schema": _without_null(of_field),
            }


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter that is not there is left out: no word in a URL is null."""
    plain = {word: value for word, value in schema.items() if word != "default" or value}
    choices = [each for each in plain.pop("anyOf", []) if each != {"type": "null"}]
    return {**plain, **choices[0]} if len(choices) == 1 else dict(schema)


def _operation(rule: Rule, method: str, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{method.lower()}_{rule.endpoint.replace('.', '_')}",
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_parameters(rule, operation, schemas)),
        "responses": _responses(operation, schemas),
        "security": [{scheme: []} for scheme in operation.security],
    }
    if operation.body is not None:
        described["requestBody"] = _request_body(operation.body, schemas)
    return described


def _parameters(rule: Rule, operation: Operation, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        schema = schemas.of(operation.parts[name]) if name in operation.parts else _STRING
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if operation.query is not None:
        yield from schemas.parameters_of(operation.query)
    for name, sentence in operation.headers.items():
        yield {"name": name, "in": "header", "description": sentence, "schema": _STRING}


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    refused = (*operation.problems, *_EVERYWHERE, *((401, 403) if operation.security else ()))
    problem = {"application/problem+json": {"schema": schemas.of(ProblemDetails)}}
    errors = {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem}
        for status in sorted(set(refused))
    }
    answers = {str(s): _answer(a, schemas) for s, a in operation.answers.items()}
    return errors | answers


def _answer(answer: Answer, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        described["headers"] = {
            name: {"description": text, "schema": _STRING} for name, text in answer.headers.items()
        }
    match answer.content:
        case None:
            pass
        case str(media_type):
            described["content"] = {media_type: {}}
        case kind:
            described["content"] = {"application/json": {"schema": schemas.of(kind)}}
    return described


def _request_body(body: Body, schemas: _Schemas) -> dict[str, Any]:
    contents = {
        media_type: {} if kind is None else {"schema": schemas.of(kind)}
        for media_type, kind in body.contents.items()
    }
    return {"required": body.required, "content": contents}


def _path(rule: Rule) -> str:
    """Return the rule as OpenAPI writes it: `/v1/things/{id}`."""
    return _ARGUMENT.sub(r"{\1}", rule.rule)
