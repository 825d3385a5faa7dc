"""`python -m soundstrip_storage set-up`: prepares a database for Soundstrip."""

import argparse
import os
import random
import sys
import time

from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_storage.setup import Role, roles, set_up_collections, set_up_user

_HELP = """\
set-up makes the collections and indexes, and a user with the least rights for each service whose
password is given. It changes nothing that is as it should be, so it can run at every start.

environment:
  MONGO_ROOT_URI      connection string with the right to make users (or MONGO_URI, if none is made)
  MONGO_DB            the database (soundstrip)
  GATEWAY_PASSWORD, OPERATOR_PASSWORD, MOVER_PASSWORD, NOTIFIER_PASSWORD
                      the users' passwords; a user without one is left alone
  WAIT_SECONDS        how long to wait for MongoDB (120)
"""


def main() -> int:
    """Run the command; 0 when the database is ready, 1 when MongoDB is away, 2 on wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m soundstrip_storage",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["set-up"])
    parser.parse_args()
    uri = os.environ.get("MONGO_ROOT_URI") or os.environ.get("MONGO_URI")
    if not uri:
        parser.error("MONGO_ROOT_URI or MONGO_URI must be set")
    passwords = [(role, os.environ.get(f"{role.name.upper()}_PASSWORD", "")) for role in roles()]
    wait = float(os.environ.get("WAIT_SECONDS", "120"))
    database = connect(uri, os.environ.get("MONGO_DB", "soundstrip"), application="set-up")
    return _set_up_patiently(database, passwords, time.monotonic() + wait)


def _set_up_patiently(
    database: Documents, passwords: list[tuple[Role, str]], deadline: float
) -> int:
    while True:
        try:
            _set_up(database, passwords)
        except StorageUnavailable as error:
            print(f"not ready: {error}", file=sys.stderr, flush=True)
            if time.monotonic() > deadline:
                return 1
            time.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
        else:
            print(f"the database {database.name} is ready", flush=True)
            return 0


def _set_up(database: Documents, passwords: list[tuple[Role, str]]) -> None:
    set_up_collections(database)
    for role, password in passwords:
        if password:
            set_up_user(database, role, password)


if __name__ == "__main__":
    sys.exit(main())
