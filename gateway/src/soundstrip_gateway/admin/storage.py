"""`/v1/admin/storage` and `/v1/admin/sweep`: what is stored, and what nobody needs of it."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import flask
import msgspec

from soundstrip_gateway.admin.acts import TAG, identify_admin, record
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.stock import Disk, Holding
from soundstrip_service.operations import Answer, Operation, answer_json, describe_route


class StoredView(msgspec.Struct, rename="camel"):
    """What one owner has in a bucket."""

    owner: str
    bucket: str
    files: int
    bytes: int


class DiskView(msgspec.Struct, rename="camel"):
    """Bytes: what the database takes, and what MongoDB's file system has; 0 is not known."""

    database: int
    used: int
    total: int


class StorageView(msgspec.Struct, rename="camel"):
    """The thousand largest of each bucket; `intents` are uploads under way or broken off."""

    owners: list[StoredView]
    intents: int
    orphans: int | None
    disk: DiskView


class SweepView(msgspec.Struct, rename="camel"):
    """The last request for a sweep, and the last sweep; `stopped` if a brake held it."""

    requested_at: datetime | None = None
    requested_by: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    tally: dict[str, int] | None = None
    stopped: bool = False


STORAGE = Operation(
    "Say what is stored, by owner", TAG, {200: Answer("It", StorageView)}, problems=(403,)
)
SHOW_SWEEP = Operation(
    "Say what the last sweep did", TAG, {200: Answer("It", SweepView)}, problems=(403,)
)
ASK_SWEEP = Operation(
    "Ask for a sweep now",
    TAG,
    {202: Answer("Asked", SweepView, {"Location": "where its outcome will be"})},
    problems=(403,),
)


def storage_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("admin_storage", __name__, url_prefix="/v1/admin")

    @blueprint.get("/storage")
    @describe_route(STORAGE)
    def show_storage() -> flask.Response:
        identify_admin(parts)
        swept = (parts.office.sweeps.latest().get("tally") or {}).get("orphans")
        owners = [_describe_holding(holding) for holding in parts.office.stock.by_owner()]
        disk = _describe_disk(parts.office.stock.disk())
        return answer_json(StorageView(owners, parts.office.stock.count_intents(), swept, disk))

    @blueprint.get("/sweep")
    @describe_route(SHOW_SWEEP)
    def show_sweep() -> flask.Response:
        identify_admin(parts)
        return answer_json(_describe_sweep(parts.office.sweeps.latest()))

    @blueprint.post("/sweep")
    @describe_route(ASK_SWEEP)
    def ask_sweep() -> flask.Response:
        admin = identify_admin(parts)
        record(parts, admin, "sweep.request", "sweep")
        asked = _describe_sweep(parts.office.sweeps.request(admin.id))
        return answer_json(asked, HTTPStatus.ACCEPTED, {"Location": "/v1/admin/sweep"})

    return blueprint


def _describe_holding(holding: Holding) -> StoredView:
    return StoredView(holding.owner, str(holding.bucket), holding.files, holding.bytes)


def _describe_disk(disk: Disk) -> DiskView:
    return DiskView(disk.database, disk.used, disk.total)


def _describe_sweep(told: Mapping[str, Any]) -> SweepView:
    return msgspec.convert(dict(told), SweepView)
