"""Opens the mover's way to MongoDB."""

from pymongo.errors import ConfigurationError

from soundstrip_storage.connection import Documents, connect
from soundstrip_worker.settings import SettingsError


def open_store(uri: str, database: str) -> Documents:
    """Return the database.

    Raises:
        SettingsError: If MONGO_URI is malformed; the driver's own words could quote a password.
    """
    try:
        return connect(uri, database, application="soundstrip-mover")
    except (ConfigurationError, ValueError):
        raise SettingsError("MONGO_URI is malformed") from None
