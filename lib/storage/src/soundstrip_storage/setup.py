"""Prepares a database: collections, indexes, and users with no more rights than they use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import CollectionInvalid, OperationFailure

from soundstrip_storage.books import BOOKS, GATEWAY_RIGHTS, SWEEPS, index_books
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import ARCHIVE, INTENTS, LINKS, REQUESTS, UPLOADS, Bucket

DELIVERIES = "deliveries"

_OF_GATEWAY = (INTENTS, ARCHIVE, LINKS, REQUESTS, UPLOADS)
_FORGOTTEN_SECONDS = 7 * 86_400
"""How long after its expiry the state of an upload goes, if no gateway has removed it."""

_USER_NOT_FOUND = 11
_ROLE_NOT_FOUND = 31

READ = ("find",)
APPEND = ("find", "insert", "update", "remove")


@dataclass(frozen=True)
class Role:
    """What one service may do, by collection."""

    name: str
    rights: Mapping[str, tuple[str, ...]]


def roles() -> tuple[Role, ...]:
    """Return the least rights of each service."""
    sources, results = Bucket.SOURCES, Bucket.RESULTS
    blobs = dict.fromkeys((sources.files, sources.chunks, results.files, results.chunks), APPEND)
    return (
        Role("gateway", {**blobs, **dict.fromkeys(_OF_GATEWAY, APPEND), **GATEWAY_RIGHTS}),
        Role("operator", {**blobs, INTENTS: APPEND, ARCHIVE: APPEND, SWEEPS: APPEND}),
        Role(
            "mover",
            {
                sources.files: READ,
                sources.chunks: READ,
                results.files: APPEND,
                results.chunks: APPEND,
                INTENTS: APPEND,
            },
        ),
        Role("notifier", {DELIVERIES: APPEND}),
    )


def set_up_collections(database: Documents) -> None:
    """Make the collections and indexes that are missing; what stands stays."""
    with storage_errors():
        for name in (*_OF_GATEWAY, DELIVERIES, *BOOKS, *(b.files for b in Bucket)):
            _create_collection(database, name)
        for bucket in Bucket:
            database[bucket.chunks].create_index([("files_id", 1), ("n", 1)], unique=True)
            database[bucket.files].create_index([("metadata.markedAt", 1)], sparse=True)
        database[Bucket.RESULTS.files].create_index(
            [("metadata.conversionUid", 1), ("metadata.run", 1)], unique=True
        )
        index_books(database)
        _index_conversions(database)
        database[LINKS].create_index([("tokens", 1)], unique=True)
        database[LINKS].create_index([("owner", 1), ("conversionUid", 1)])
        for name in (LINKS, REQUESTS):
            database[name].create_index([("expiresAt", 1)], expireAfterSeconds=0)
        database[UPLOADS].create_index([("expiresAt", 1)], expireAfterSeconds=_FORGOTTEN_SECONDS)


def _index_conversions(database: Documents) -> None:
    for bucket in Bucket:
        database[bucket.files].create_index([("metadata.owner", 1)])
    for field in ("createdAt", "finishedAt", "spec.source.filename"):
        database[ARCHIVE].create_index([("owner", 1), (field, -1), ("name", -1)])
    database[ARCHIVE].create_index([("owner", 1), ("spec.source.sha256", 1)])
    database[ARCHIVE].create_index([("name", 1)])


def _create_collection(database: Documents, name: str) -> None:
    try:
        database.create_collection(name)
    except CollectionInvalid:
        return  # It stands already, or another replica was quicker.


def set_up_user(database: Documents, role: Role, password: str) -> None:
    """Make the service's user and role, or bring both to what they should be."""
    privileges = [
        {"resource": {"db": database.name, "collection": name}, "actions": list(actions)}
        for name, actions in role.rights.items()
    ]
    with storage_errors():
        _upsert(
            database,
            {"updateRole": role.name, "privileges": privileges, "roles": []},
            missing=_ROLE_NOT_FOUND,
        )
        _upsert(
            database,
            {"updateUser": role.name, "pwd": password, "roles": [role.name]},
            missing=_USER_NOT_FOUND,
        )


def _upsert(database: Documents, command: dict[str, Any], *, missing: int) -> None:
    try:
        database.command(command)
    except OperationFailure as error:
        if error.code != missing:
            raise
        update, name = next(iter(command.items()))
        rest = {key: value for key, value in command.items() if key != update}
        database.command({update.replace("update", "create"): name, **rest})
