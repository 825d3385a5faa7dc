"""Sessions in MySQL; of the refresh tokens it holds hashes."""

import uuid

from soundstrip_auth.database import Database, Statements
from soundstrip_auth.sessions import Lifetimes, RefreshToken, Session, SessionEnded

_COLUMNS = "SELECT id, user_id, client, address, created_at, used_at FROM sessions WHERE "
_ALIVE = " AND used_at > NOW(6) - INTERVAL %s SECOND AND created_at > NOW(6) - INTERVAL %s SECOND"
_INSERT = (
    "INSERT INTO sessions (id, user_id, family_hash, token_hash, client, address)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)
_TURN = (
    "UPDATE sessions SET token_hash = %s, used_at = NOW(6), address = %s"
    " WHERE family_hash = %s AND token_hash = %s"
)
_OTHERS = "DELETE FROM sessions WHERE user_id = %s AND id <> %s"
_MOST = 100
"""Sessions of one user; who begins one more ends the one that was not used for longest."""
_SURPLUS = (
    "DELETE FROM sessions WHERE user_id = %s AND id NOT IN (SELECT id FROM (SELECT id FROM sessions"
    " WHERE user_id = %s ORDER BY used_at DESC LIMIT %s) AS kept)"
)


class TokenReused(SessionEnded):
    """A refresh token came a second time: its session, of which there are two now, has ended."""

    def __init__(self, session: Session) -> None:
        super().__init__("The refresh token was used before, so the session ended; log in again.")
        self.session = session


class SessionStore:
    """The table `sessions`. Every method raises DatabaseUnavailable when MySQL cannot be used."""

    def __init__(self, database: Database, lifetimes: Lifetimes) -> None:
        self._database = database
        self._idle = int(lifetimes.idle.total_seconds())
        self._whole = int(lifetimes.session.total_seconds())

    def begin(self, user_id: str, token: RefreshToken, client: str, address: str) -> str:
        """Begin a session, and return its id."""
        session_id = uuid.uuid4().hex
        row = (session_id, user_id, token.family_hash, token.turn_hash, client, address)
        with self._database.statements() as statements:
            statements.write(_INSERT, row)
            statements.write(_SURPLUS, (user_id, user_id, _MOST))
        return session_id

    def turn(self, token: RefreshToken, following: RefreshToken, address: str) -> Session:
        """Put the following token in the place of this one, and return the session.

        Raises:
            TokenReused: If the token was used before; the session has ended then.
            SessionEnded: If there is no such session, or no more.
        """
        with self._database.statements() as statements:
            where = _COLUMNS + "family_hash = %s" + _ALIVE
            found = statements.read(where, (token.family_hash, self._idle, self._whole))
            if not found:
                raise SessionEnded("The session has ended; log in again.")
            change = (following.turn_hash, address, token.family_hash, token.turn_hash)
            if not statements.write(_TURN, change):
                statements.write(
                    "DELETE FROM sessions WHERE family_hash = %s", (token.family_hash,)
                )
                raise TokenReused(Session(*found[0]))
        return Session(*found[0])

    def is_alive(self, user_id: str, session_id: str) -> bool:
        """Return whether the session of this user goes on."""
        where = _COLUMNS + "user_id = %s AND id = %s" + _ALIVE
        return bool(self._database.read(where, (user_id, session_id, self._idle, self._whole)))

    def of(self, user_id: str) -> list[Session]:
        """Return the user's sessions that go on, the one used last first."""
        where = _COLUMNS + "user_id = %s" + _ALIVE + " ORDER BY used_at DESC"
        rows = self._database.read(where, (user_id, self._idle, self._whole))
        return [Session(*row) for row in rows]

    def end(self, user_id: str, session_id: str) -> bool:
        """End one session of the user; return whether there was one."""
        where = "DELETE FROM sessions WHERE user_id = %s AND id = %s"
        return bool(self._database.write(where, (user_id, session_id)))

    def end_all(self, user_id: str, *, but: str = "") -> int:
        """End the user's sessions, all or all but one; return how many."""
        with self._database.statements() as statements:
            return end_sessions(statements, user_id, but=but)


def end_sessions(statements: Statements, user_id: str, *, but: str = "") -> int:
    """End the user's sessions, all or all but one; return how many."""
    return statements.write(_OTHERS, (user_id, but))
