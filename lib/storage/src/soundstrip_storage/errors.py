"""What can go wrong with the store, in Soundstrip's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import OperationFailure, PyMongoError

_NOT_ENOUGH_SPACE = {14031}
"""MongoDB's OutOfDiskSpace."""


class StorageError(Exception):
    """The root of the errors of this package."""


class StorageUnavailable(StorageError):
    """MongoDB did not answer, or refused: the world's fault, worth another try."""


class FileMissing(StorageError):
    """There is no complete file with this id."""


class ChunkTaken(StorageError):
    """There is a chunk already where one was to be stored: somebody else writes this file."""


class LeaseLost(StorageError):
    """Somebody else has taken over what this one was at."""


class FileDamaged(StorageError):
    """The file document stands, but its chunks do not add up to it."""


@contextmanager
def storage_errors() -> Iterator[None]:
    """Translate the driver's errors; the sentence names no address and no credential.

    Raises:
        StorageUnavailable: For whatever the driver raised.
    """
    try:
        yield
    except OperationFailure as error:
        what = "has no disk space left" if error.code in _NOT_ENOUGH_SPACE else "refused"
        raise StorageUnavailable(f"MongoDB {what} (code {error.code})") from error
    except PyMongoError as error:
        raise StorageUnavailable(f"MongoDB did not answer ({type(error).__name__})") from error
