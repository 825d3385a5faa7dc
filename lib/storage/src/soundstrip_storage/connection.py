"""Connections to MongoDB: every wait has an end."""

from typing import Any

from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database

_OPTIONS: dict[str, Any] = {
    "tz_aware": True,
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 30_000,
    "waitQueueTimeoutMS": 10_000,
    "w": "majority",
}
"""A socket time-out and not `timeoutMS`: that one would bound a whole download, however slow."""

Documents = Database[dict[str, Any]]
AsyncDocuments = AsyncDatabase[dict[str, Any]]


def connect(uri: str, database: str, *, application: str) -> Documents:
    """Return the database; nothing is sent, and no thread started, before the first use.

    So a server may build it before it forks its workers.
    """
    client: MongoClient[dict[str, Any]] = MongoClient(
        uri, appname=application, connect=False, **_OPTIONS
    )
    return client[database]


def connect_async(uri: str, database: str, *, application: str) -> AsyncDocuments:
    """Return the database for asyncio; nothing is sent before the first use."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        uri, appname=application, **_OPTIONS
    )
    return client[database]
