"""MySQL: connections with time-outs, and its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import mysql.connector
from mysql.connector import errorcode, errors

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3

_NO_ACCESS = frozenset(
    {
        errorcode.ER_ACCESS_DENIED_ERROR,
        errorcode.ER_DBACCESS_DENIED_ERROR,
        errorcode.ER_TABLEACCESS_DENIED_ERROR,
    }
)
_OUR_BUGS = (errors.ProgrammingError, errors.DataError, errors.NotSupportedError)


class DatabaseUnavailable(Exception):
    """The world's fault: MySQL cannot be used now; the sentence says where and why."""


class Duplicate(Exception):
    """A unique column has this value already."""


@dataclass(frozen=True)
class Database:
    """Where the database is; every use connects anew, so that a lost server is no lasting harm."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str

    @contextmanager
    def connect(self, answer_seconds: int = ANSWER_SECONDS) -> Iterator[Any]:
        """Yield a connection that commits each statement by itself.

        Args:
            answer_seconds: How long MySQL may take over each statement.

        Raises:
            DatabaseUnavailable: If MySQL does not answer, refuses, or is lost meanwhile.
            Duplicate: If a statement would repeat a unique value.
        """
        connection = self._open(answer_seconds)
        try:
            yield connection
        except (errors.Error, OSError) as error:
            translated = self._translate(error)
            if translated is None:
                raise
            raise translated from error
        finally:
            _close(connection)

    def check(self) -> None:
        """Return if the database can be used.

        Raises:
            DatabaseUnavailable: If it cannot.
        """
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()

    def _open(self, answer_seconds: int) -> Any:  # noqa: ANN401 - the driver is untyped here
        try:
            return mysql.connector.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                password=self.password,
                database=self.name,
                connection_timeout=CONNECT_SECONDS,
                read_timeout=answer_seconds,
                write_timeout=answer_seconds,
                autocommit=True,
                time_zone="+00:00",
                use_pure=True,  # the C extension needs a newer OpenSSL than some hosts have
                tls_versions=["TLSv1.2", "TLSv1.3"],  # unsaid, the driver loads all CAs twice
            )
        except (errors.Error, OSError) as error:
            raise DatabaseUnavailable(self._explain(error)) from error

    def _translate(self, error: Exception) -> Exception | None:
        """Return the error in our words; None for one that is our own bug."""
        number = getattr(error, "errno", None)
        if number == errorcode.ER_DUP_ENTRY:
            return Duplicate()
        if isinstance(error, _OUR_BUGS) and number not in _NO_ACCESS:
            return None
        return DatabaseUnavailable(self._explain(error))

    def _explain(self, error: Exception) -> str:
        where = f"MySQL at {self.host}:{self.port}"
        number = getattr(error, "errno", None)
        if number in _NO_ACCESS:
            return f"{where} refuses the user, the password, or a right that is needed."
        if number == errorcode.ER_BAD_DB_ERROR:
            return f"{where} has no database {self.name}."
        return f"{where} does not answer as it should."


def _close(connection: Any) -> None:  # noqa: ANN401 - the driver is untyped here
    try:
        connection.close()
    except (errors.Error, OSError):
        connection.shutdown()  # the server is lost: there is nobody to say good-bye to
