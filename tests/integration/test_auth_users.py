"""Becoming a user, being given another password, being administered: with real letters."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.auths import (
    PASSWORD,
    SECRET_KEY,
    Service,
    add_user,
    connect_database,
    execute,
    query,
    running_auth,
)
from tests.databases import MySql
from tests.mailing import Sink, mail_settings, running_sink
from tests.waiting import wait_until

from soundstrip_auth.outbox import Outbox
from soundstrip_auth.schema import migrate
from soundstrip_auth.users import Role
from soundstrip_auth.vouchers import Purpose

ANOTHER = "another-password"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def auth(auth_database: MySql, sink: Sink, auth_directory: Path) -> Iterator[Service]:
    settings = mail_settings(sink) | {"REGISTRATION": "open", "AUTH_URL": "https://auth.example"}
    with running_auth(auth_directory, auth_database, **settings) as service:
        yield service


@pytest.fixture(scope="module")
def admin(auth: Service, auth_database: MySql) -> str:
    """An admin's token."""
    add_user(auth_database, "root", Role.ADMIN)
    return str(auth.begin("root", PASSWORD)["accessToken"])


@pytest.fixture
def make_user(auth: Service, admin: str) -> Callable[[str], str]:
    """Make a user, and return the id."""

    def make(name: str) -> str:
        body = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
        answer = auth.call("POST", "/v1/users", admin, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    return make


def await_letter(sink: Sink, email: str, known: int = 0) -> str:
    """Return the text of the newest letter to this address, if there are more than `known`."""
    wait_until(lambda: len(sink.messages(email)) > known, f"a letter to {email}")
    return str(sink.messages(email)[0]["text"])


def token_in(text: str) -> str:
    found = re.search(r"^    (ssv_\S+)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def test_a_forgotten_password_is_replaced_once_by_a_letter(
    auth: Service, sink: Sink, make_user: Callable[[str], str], auth_database: MySql
):
    make_user("frida")
    session = auth.begin("frida", PASSWORD)
    email = "frida@example.org"
    for _ in range(2):
        answer = auth.call("POST", "/v1/password-resets", body={"email": email})
        assert (answer.status_code, answer.text) == (202, "")
    text = await_letter(sink, email)
    assert "https://auth.example/v1/password-resets/confirm" in text
    body = {"token": token_in(text), "newPassword": ANOTHER}
    confirm = "/v1/password-resets/confirm"
    assert auth.call("POST", confirm, body=body | {"newPassword": "short"}).status_code == 422
    assert auth.call("POST", confirm, body=body).status_code == 204
    assert auth.call("POST", confirm, body=body).status_code == 422
    assert auth.login("frida", ANOTHER).status_code == 200
    assert auth.login("frida", PASSWORD).status_code == 401
    assert auth.refresh(session["refreshToken"]).status_code == 401
    assert len(sink.messages(email)) == 1
    assert query(auth_database, "SELECT * FROM vouchers WHERE purpose = 'reset'") == []


def test_nobody_gets_a_letter_and_who_asks_does_not_learn_it(
    auth: Service, sink: Sink, auth_database: MySql
):
    email = "nobody@example.org"
    answer = auth.call("POST", "/v1/password-resets", body={"email": email})
    assert (answer.status_code, answer.text) == (202, "")
    done = "SELECT 1 FROM letters WHERE email LIKE 'nobody@%' AND done_at IS NOT NULL"
    wait_until(lambda: query(auth_database, done), "the letter is looked at")
    assert sink.messages(email) == []


def test_a_token_that_is_too_old_is_worth_nothing(
    auth: Service, sink: Sink, make_user: Callable[[str], str], auth_database: MySql
):
    make_user("greta")
    auth.call("POST", "/v1/password-resets", body={"email": "greta@example.org"})
    token = token_in(await_letter(sink, "greta@example.org"))
    execute(auth_database, "UPDATE vouchers SET expires_at = expires_at - INTERVAL 1 HOUR")
    body = {"token": token, "newPassword": ANOTHER}
    assert auth.call("POST", "/v1/password-resets/confirm", body=body).status_code == 422
    assert auth.login("greta", PASSWORD).status_code == 200


def test_another_password_makes_the_letters_before_it_worthless(
    auth: Service, sink: Sink, make_user: Callable[[str], str]
):
    make_user("gesine")
    token = auth.begin("gesine", PASSWORD)["accessToken"]
    auth.call("POST", "/v1/password-resets", body={"email": "gesine@example.org"})
    letter = token_in(await_letter(sink, "gesine@example.org"))
    change = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    assert auth.call("POST", "/v1/password", token, change).status_code == 204
    body = {"token": letter, "newPassword": PASSWORD}
    assert auth.call("POST", "/v1/password-resets/confirm", body=body).status_code == 422
    assert auth.login("gesine", ANOTHER).status_code == 200


def test_letters_wait_for_a_mail_server_that_is_out_of_sorts(
    auth: Service, sink: Sink, make_user: Callable[[str], str], auth_database: MySql
):
    make_user("hanna")
    sink.behave(rcpt="450 4.2.0 try later", times=1)
    auth.call("POST", "/v1/password-resets", body={"email": "hanna@example.org"})
    tried = "SELECT 1 FROM letters WHERE email LIKE 'hanna%' AND attempts = 1"
    wait_until(lambda: "letter not sent" in auth.log.read_text(), "a try fails")
    assert query(auth_database, tried)
    execute(auth_database, "UPDATE letters SET next_at = NOW(6)")
    assert token_in(await_letter(sink, "hanna@example.org"))


def test_who_has_a_letter_registers_and_chooses_a_name_that_is_free(
    auth: Service, sink: Sink, make_user: Callable[[str], str]
):
    make_user("ida")
    email = "newcomer@example.org"
    assert auth.call("POST", "/v1/registrations", body={"email": email}).status_code == 202
    body = {"token": token_in(await_letter(sink, email)), "name": "IDA", "password": PASSWORD}
    confirm = "/v1/registrations/confirm"
    assert auth.call("POST", confirm, body=body).status_code == 409
    made = auth.call("POST", confirm, body=body | {"name": "newcomer"})
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["role"]) == (email, "user")
    assert auth.call("POST", confirm, body=body | {"name": "again"}).status_code == 422
    assert auth.login("newcomer", PASSWORD).status_code == 200


def test_who_has_an_account_gets_a_letter_without_a_token(
    auth: Service, sink: Sink, make_user: Callable[[str], str]
):
    make_user("jana")
    answer = auth.call("POST", "/v1/registrations", body={"email": "jana@example.org"})
    assert answer.status_code == 202
    text = await_letter(sink, "jana@example.org")
    assert "its name is jana" in text
    assert "ssv_" not in text


def test_an_invitation_makes_a_user_of_its_role_unless_it_is_withdrawn(
    auth: Service, sink: Sink, admin: str
):
    body = {"email": "karla@example.org", "role": "admin"}
    invited = auth.call("POST", "/v1/invitations", admin, body)
    assert invited.status_code == 201
    assert "token" not in invited.json()
    assert auth.call("POST", "/v1/invitations", admin, body).status_code == 409
    token = token_in(await_letter(sink, "karla@example.org"))
    path = f"/v1/invitations/{invited.json()['id']}"
    assert auth.call("DELETE", path, admin).status_code == 204
    wish = {"token": token, "name": "karla", "password": PASSWORD}
    assert auth.call("POST", "/v1/registrations/confirm", body=wish).status_code == 422
    assert auth.call("POST", "/v1/invitations", admin, body).status_code == 201
    wish["token"] = token_in(await_letter(sink, "karla@example.org", known=1))
    made = auth.call("POST", "/v1/registrations/confirm", body=wish)
    assert (made.status_code, made.json()["role"]) == (201, "admin")
    assert auth.call("GET", "/v1/invitations", admin).json()["items"] == []


def test_a_letter_that_is_sent_while_it_is_withdrawn_does_not_stand_for_the_next(mysql: MySql):
    database = connect_database(mysql)
    migrate(database)
    outbox = Outbox(database)
    outbox.add(Purpose.INVITATION, "karla@example.org")
    sent = outbox.take()
    assert sent
    execute(mysql, "DELETE FROM letters")  # as who withdraws the invitation does
    outbox.add(Purpose.INVITATION, "karla@example.org")
    outbox.finish(sent)
    outbox.postpone(sent)
    assert outbox.take() == sent


def test_of_many_who_accept_one_invitation_one_becomes_a_user(
    auth: Service, sink: Sink, admin: str, auth_database: MySql
):
    auth.call("POST", "/v1/invitations", admin, {"email": "lina@example.org"})
    token = token_in(await_letter(sink, "lina@example.org"))

    def accept(number: int) -> int:
        wish = {"token": token, "name": f"lina-{number}", "password": PASSWORD}
        return auth.call("POST", "/v1/registrations/confirm", body=wish).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(accept, range(4)))
    assert answers.count(201) == 1
    assert set(answers) <= {201, 422, 503}
    assert len(query(auth_database, "SELECT id FROM users WHERE name LIKE 'lina-%'")) == 1


def test_without_mail_the_admin_hands_over_the_invitation(
    auth: Service, admin: str, auth_database: MySql, tmp_path: Path
):
    with running_auth(tmp_path, auth_database, REGISTRATION="invitation") as silent:
        email = {"email": "lotte@example.org"}
        assert silent.call("POST", "/v1/password-resets", body=email).status_code == 501
        assert silent.call("POST", "/v1/registrations", body=email).status_code == 403
        token = silent.call("POST", "/v1/invitations", admin, email).json()["token"]
        wish = {"token": token, "name": "lotte", "password": PASSWORD}
        assert silent.call("POST", "/v1/registrations/confirm", body=wish).status_code == 201


def test_where_registration_is_off_an_admin_makes_users(
    auth: Service, admin: str, auth_database: MySql, tmp_path: Path
):
    with running_auth(tmp_path, auth_database) as closed:
        email = {"email": "mia@example.org"}
        for path in ("/v1/registrations", "/v1/invitations"):
            answer = closed.call("POST", path, admin, email)
            assert answer.status_code == 403
            assert answer.json()["type"].endswith("/registration-closed")
        body = email | {"name": "mia", "password": PASSWORD}
        assert closed.call("POST", "/v1/users", admin, body).status_code == 201


def test_who_is_disabled_is_out_until_enabled(
    auth: Service, admin: str, make_user: Callable[[str], str]
):
    path = f"/v1/users/{make_user('nora')}"
    granted = auth.begin("nora", PASSWORD)
    wanted = {"name": "n", "scopes": ["conversions:read"]}
    key = auth.call("POST", "/v1/api-keys", granted["accessToken"], wanted).json()["key"]
    grant = {"grant": "api_key", "apiKey": key}
    assert "disabledAt" in auth.call("PATCH", path, admin, {"disabled": True}).json()
    assert auth.login("nora", PASSWORD).status_code == 401
    assert auth.refresh(granted["refreshToken"]).status_code == 401
    assert auth.call("GET", "/v1/sessions", granted["accessToken"]).status_code == 401
    assert auth.call("POST", "/v1/token", body=grant).status_code == 401
    assert auth.call("PATCH", path, admin, {"disabled": False}).status_code == 200
    assert auth.login("nora", PASSWORD).status_code == 200
    assert auth.call("POST", "/v1/token", body=grant).status_code == 200


def test_another_role_counts_at_once_here_and_ends_the_user_s_sessions(
    auth: Service, admin: str, make_user: Callable[[str], str]
):
    path = f"/v1/users/{make_user('olga')}"
    before = auth.begin("olga", PASSWORD)
    assert auth.call("GET", "/v1/users", before["accessToken"]).status_code == 403
    assert auth.call("PATCH", path, admin, {"role": "admin"}).json()["role"] == "admin"
    assert auth.refresh(before["refreshToken"]).status_code == 401
    olga = auth.begin("olga", PASSWORD)["accessToken"]
    assert auth.call("GET", "/v1/users", olga).status_code == 200
    read_only = {"name": "n", "scopes": ["admin:read"]}
    key = auth.call("POST", "/v1/api-keys", olga, read_only).json()["key"]
    assert auth.call("GET", "/v1/users", key).status_code == 200
    assert auth.call("PATCH", path, key, {"role": "user"}).status_code == 403
    assert auth.call("PATCH", path, admin, {"role": "user"}).status_code == 200
    assert auth.call("GET", "/v1/users", key).status_code == 403


def test_who_is_deleted_is_gone_with_all_that_auth_holds_of_them(
    auth: Service, admin: str, make_user: Callable[[str], str], auth_database: MySql
):
    user_id = make_user("petra")
    auth.begin("petra", PASSWORD)
    path = f"/v1/users/{user_id}"
    assert auth.call("DELETE", path, admin).status_code == 204
    assert auth.call("GET", path, admin).status_code == 404
    assert auth.login("petra", PASSWORD).status_code == 401
    for table in ("sessions", "standings", "known_addresses"):
        rows = query(auth_database, f"SELECT user_id FROM {table}")  # noqa: S608 - ours
        assert (user_id,) not in rows


def test_there_is_always_an_admin_who_is_enabled(mysql: MySql, tmp_path: Path):
    with running_auth(tmp_path, mysql) as auth:
        add_user(mysql, "sole", Role.ADMIN)
        token = auth.begin("sole", PASSWORD)["accessToken"]
        [sole] = auth.call("GET", "/v1/users", token).json()["items"]
        path = f"/v1/users/{sole['id']}"
        for change in ({"role": "user"}, {"disabled": True}):
            assert auth.call("PATCH", path, token, change).status_code == 409
        assert auth.call("DELETE", path, token).status_code == 409


def test_an_admin_unlocks_who_was_guessed_at_and_ends_sessions(
    auth: Service, admin: str, make_user: Callable[[str], str], auth_database: MySql
):
    path = f"/v1/users/{make_user('rosa')}"
    granted = auth.begin("rosa", PASSWORD)
    auth.login("rosa", "guessed")
    execute(auth_database, "UPDATE failures SET failures = failures + 20, last_at = NOW(6)")
    assert auth.login("rosa", PASSWORD).status_code == 429
    assert auth.call("DELETE", f"{path}/lock", admin).status_code == 204
    assert auth.login("rosa", PASSWORD).status_code == 200
    assert auth.call("DELETE", f"{path}/sessions", admin).status_code == 204
    assert auth.refresh(granted["refreshToken"]).status_code == 401


def test_users_are_listed_page_by_page(auth: Service, admin: str, make_user: Callable[[str], str]):
    for name in ("zoe-1", "zoe-2", "zoe-3"):
        make_user(name)
    names, cursor = [], "zoe"
    while cursor:
        page = auth.call("GET", f"/v1/users?limit=2&cursor={cursor}", admin).json()
        names += [user["name"] for user in page["items"]]
        cursor = page["nextCursor"]
    assert names == ["zoe-1", "zoe-2", "zoe-3"]
    assert auth.call("GET", "/v1/users?limit=0", admin).status_code == 400


def test_the_audit_log_says_who_did_what_and_holds_no_secret(
    auth: Service, admin: str, make_user: Callable[[str], str], auth_database: MySql
):
    user_id = make_user("uma")
    auth.login("uma", "wrong " + PASSWORD)
    granted = auth.begin("uma", PASSWORD)
    page = auth.call("GET", "/v1/audit?limit=3", admin).json()
    shown = [(entry["action"], entry["subject"]) for entry in page["items"]]
    assert shown == [("logged in", user_id), ("login refused", user_id), ("user made", user_id)]
    older = auth.call("GET", f"/v1/audit?limit=1&cursor={page['nextCursor']}", admin).json()
    assert older["items"][0]["id"] < page["items"][-1]["id"]
    assert auth.call("GET", "/v1/audit", granted["accessToken"]).status_code == 403
    everything = auth.log.read_text() + str(query(auth_database, "SELECT * FROM audit"))
    for secret in (PASSWORD, SECRET_KEY, admin, granted["accessToken"], granted["refreshToken"]):
        assert secret not in everything
    assert "ssv_" not in everything
    assert "unexpected error" not in everything
