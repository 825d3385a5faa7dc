"""Whatever is asked of auth, it answers as its own description says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.auths import PASSWORD, Service, add_user, running_auth
from tests.databases import MySql
from tests.mailing import mail_settings, running_sink
from tests.schemathesis_run import check_api

from soundstrip_auth.users import Role


@pytest.fixture(scope="module")
def auth(auth_database: MySql, auth_directory: Path) -> Iterator[Service]:
    with running_sink() as sink:
        settings = mail_settings(sink) | {"REGISTRATION": "open"}
        with running_auth(auth_directory, auth_database, **settings) as service:
            yield service


@pytest.mark.parametrize("role", list(Role))
def test_every_answer_is_as_the_description_says(
    auth: Service, auth_database: MySql, role: Role, tmp_path: Path
):
    add_user(auth_database, role.value, role)
    token = auth.login(role.value, PASSWORD).json()["token"]
    check_api(auth.url, f"Bearer {token}", tmp_path, examples=6)
    assert "unexpected error" not in auth.log.read_text()
