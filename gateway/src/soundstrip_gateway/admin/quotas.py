"""`/v1/admin/quotas`: what one user may have."""

from http import HTTPStatus

import flask
import msgspec
from msgspec import UNSET, UnsetType

from soundstrip_gateway.admin.acts import TAG, UserId, identify_admin, record
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.quotas import Count, Minutes, Quota, Usage
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_json,
)
from soundstrip_service.problems import Problem, make_problem


class QuotaException(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What one user may have, in place of what the role says; null is without limit."""

    bytes: Count | UnsetType | None = UNSET
    conversions_per_day: Count | UnsetType | None = UNSET
    media_minutes_per_day: Minutes | UnsetType | None = UNSET
    concurrent: Count | UnsetType | None = UNSET
    upload_bytes: Count | UnsetType | None = UNSET


class QuotaView(msgspec.Struct, rename="camel"):
    """`quota` is what holds for the role user; `exception` is what was said of this one."""

    user: str
    quota: Quota
    usage: Usage
    exception: QuotaException | None


_USER = {"user": UserId}

SHOW_QUOTA = Operation(
    "Get a user's quota and usage",
    TAG,
    {200: Answer("Both", QuotaView)},
    problems=(403, 404),
    parts=_USER,
)
PUT_QUOTA = Operation(
    "Give one user limits of their own",
    TAG,
    {200: Answer("What holds now", QuotaView)},
    problems=(400, 403, 404, 415, 422),
    parts=_USER,
    body=Body({"application/json": QuotaException}),
)
DELETE_QUOTA = Operation(
    "Let a user have the limits of the role again",
    TAG,
    {204: Answer("They hold")},
    problems=(403, 404),
    parts=_USER,
)


def quota_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("admin_quotas", __name__, url_prefix="/v1/admin")

    @blueprint.get("/quotas/<user>")
    @describe_route(SHOW_QUOTA)
    def show_quota(user: str) -> flask.Response:
        identify_admin(parts)
        return answer_json(_describe_quota(parts, _check_user(user)))

    @blueprint.put("/quotas/<user>")
    @describe_route(PUT_QUOTA)
    def put_quota(user: str) -> flask.Response:
        admin = identify_admin(parts)
        wish = msgspec.to_builtins(read_json(QuotaException))
        record(parts, admin, "quota.put", _check_user(user), wish)
        parts.office.allowances.put(user, wish, admin.id)
        return answer_json(_describe_quota(parts, user))

    @blueprint.delete("/quotas/<user>")
    @describe_route(DELETE_QUOTA)
    def delete_quota(user: str) -> flask.Response:
        admin = identify_admin(parts)
        record(parts, admin, "quota.delete", _check_user(user))
        if not parts.office.allowances.remove(user):
            raise _not_found("This user has no limits of their own.")
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def _check_user(user: str) -> str:
    try:
        return msgspec.convert(user, UserId)
    except msgspec.ValidationError as error:
        raise _not_found("No user can have this id.") from error


def _not_found(detail: str) -> Problem:
    return make_problem(HTTPStatus.NOT_FOUND, "not-found", detail)


def _describe_quota(parts: Parts, user: str) -> QuotaView:
    exception = parts.office.allowances.exception(user)
    return QuotaView(
        user=user,
        quota=parts.office.allowances.of_user(user),
        usage=parts.gate.usage_of(user),
        exception=msgspec.convert(exception, QuotaException) if exception is not None else None,
    )
