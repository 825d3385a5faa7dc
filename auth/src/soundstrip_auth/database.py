"""MySQL: connections with time-outs, and its errors in our words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


Value = str | bytes | int | float | datetime | None
Row = tuple[Any, ...]


class Statements:
    """An open connection, on which statements are executed one after the other."""

    def __init__(self, cursor: Any) -> None:  # noqa: ANN401 - the driver is untyped here
        self._cursor = cursor

    def read(self, statement: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Return the rows that a SELECT finds; moments are aware, in UTC."""
        self._cursor.execute(statement, tuple(map(_pack, parameters)))
        return [tuple(map(_unpack, row)) for row in self._cursor.fetchall()]

    def write(self, statement: str, parameters: Sequence[Value] = ()) -> int:
        """Return how many rows a statement has changed."""
        self._cursor.execute(statement, tuple(map(_pack, parameters)))
        return int(self._cursor.rowcount)

    def evaluate(self, statement: str, parameters: Sequence[Value] = ()) -> int:
        """Return what a statement hands to LAST_INSERT_ID."""
        self._cursor.execute(statement, tuple(map(_pack, parameters)))
        return int(self._cursor.lastrowid or 0)


@dataclass(frozen=True)
class Database:
    """Where the database is.

    Every use connects anew, or every request does (`hold`): a lost server is no lasting harm.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    _held: "ContextVar[_Holder | None]" = field(
        default_factory=lambda: ContextVar("held", default=None), repr=False, compare=False
    )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Use one connection for all that is done in the block, from its first use on.

        An error inside of a use drops it, and with it what was not committed.
        """
        holder = _Holder()
        token = self._held.set(holder)
        try:
            yield
        finally:
            self._held.reset(token)
            holder.drop()

    @contextmanager
    def connect(self, answer_seconds: int = ANSWER_SECONDS) -> Iterator[Any]:
        """Yield a connection that commits each statement by itself.

        Args:
            answer_seconds: How long MySQL may take over each statement.

        Raises:
            DatabaseUnavailable: If MySQL does not answer, refuses, or is lost meanwhile.
            Duplicate: If a statement would repeat a unique value.
        """
        held = self._held.get()
        holder = held or _Holder()
        if holder.connection is None:
            holder.connection = self._open(answer_seconds)
        try:
            with self._translating():
                yield holder.connection
        except BaseException:
            holder.drop()
            raise
        if held is None:
            holder.drop()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (errors.Error, OSError) as error:
            translated = self._translate(error)
            if translated is None:
                raise
            raise translated from error

    @contextmanager
    def statements(self) -> Iterator[Statements]:
        """Yield a connection that commits each statement by itself; raises as `connect` does."""
        with self.connect() as connection, connection.cursor() as cursor:
            yield Statements(cursor)

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        """Yield a connection whose statements hold all together, or not at all.

        They are undone if the block raises. Raises as `connect` does.
        """
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("START TRANSACTION")
            yield Statements(cursor)
            cursor.execute("COMMIT")

    def read(self, statement: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Return the rows that a SELECT finds; raises as `connect` does."""
        with self.statements() as statements:
            return statements.read(statement, parameters)

    def write(self, statement: str, parameters: Sequence[Value] = ()) -> int:
        """Return how many rows a statement has changed; raises as `connect` does."""
        with self.statements() as statements:
            return statements.write(statement, parameters)

    def check(self) -> None:
        """Return if the database can be used.

        Raises:
            DatabaseUnavailable: If it cannot.
        """
        self.read("SELECT 1")

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


class _Holder:
    """A connection, while there is one."""

    def __init__(self) -> None:
        self.connection: Any = None

    def drop(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            _close(connection)


def _pack(value: Value) -> Value:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _unpack(value: Any) -> Any:  # noqa: ANN401 - whatever the column holds
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _close(connection: Any) -> None:  # noqa: ANN401 - the driver is untyped here
    try:
        connection.close()
    except (errors.Error, OSError):
        connection.shutdown()  # the server is lost: there is nobody to say good-bye to
