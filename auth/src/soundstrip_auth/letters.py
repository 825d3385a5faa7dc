"""What auth's letters say. Pure."""

from dataclasses import dataclass

from soundstrip_auth.vouchers import LIFETIMES, Purpose
from soundstrip_service.letters import Words

_SIGNATURE = "-- \nSoundstrip sent this by itself; nobody reads answers to it.\n"
_HOUR = 3600
_CONFIRM_RESET = "/v1/password-resets/confirm"
_CONFIRM_REGISTRATION = "/v1/registrations/confirm"


@dataclass(frozen=True)
class Places:
    """Where people go with a token: auth's own address, and a page for it if there is one."""

    api_url: str
    page_url: str | None = None


def write_reset(places: Places, name: str, token: str) -> Words:
    """Say how to choose another password."""
    return Words(
        "Choose another password for Soundstrip",
        f"Hello {name},\n\n"
        "somebody, probably you, wants another password for your account at Soundstrip.\n"
        "If it was not you, there is nothing to do: your password stays as it is.\n\n"
        + _say_token(places, _CONFIRM_RESET, token, Purpose.RESET, '"newPassword": "…"')
        + _SIGNATURE,
    )


def write_registration(places: Places, purpose: Purpose, token: str) -> Words:
    """Say how to become a user."""
    invited = purpose is Purpose.INVITATION
    said = "you are invited to Soundstrip" if invited else "this address was given to Soundstrip"
    subject = "You are invited to Soundstrip" if invited else "Your account at Soundstrip"
    return Words(
        subject,
        f"Hello,\n\n{said}. If you don't want an account there, there is nothing to do.\n\n"
        + _say_token(places, _CONFIRM_REGISTRATION, token, purpose, '"name": "…", "password": "…"')
        + _SIGNATURE,
    )


def write_reminder(name: str) -> Words:
    """Say that there is an account already; this letter holds no secret."""
    return Words(
        "Your account at Soundstrip",
        "Hello,\n\nthis address was given to Soundstrip for a new account. It has one already: "
        f"its name is {name}.\nIf you forgot the password, ask for another one.\n\n" + _SIGNATURE,
    )


def _say_token(places: Places, path: str, token: str, purpose: Purpose, fields: str) -> str:
    return f"{_describe(purpose)}\n\n    {token}\n\n" + _say_way(places, path, token, fields)


def _describe(purpose: Purpose) -> str:
    hours = int(LIFETIMES[purpose].total_seconds()) // _HOUR
    time = "1 hour" if hours == 1 else f"{hours // 24} days"
    return f"This token works once, and for {time}:"


def _say_way(places: Places, path: str, token: str, fields: str) -> str:
    if places.page_url is not None:
        return f"Open {places.page_url}#token={token}\n\n"
    body = f'{{"token": "{token}", {fields}}}'
    url = places.api_url.rstrip("/") + path
    return f"    curl -H 'Content-Type: application/json' -d '{body}' \\\n      {url}\n\n"
