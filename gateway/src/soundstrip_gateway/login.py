"""Logging in: passed on to the auth service, which alone knows users and passwords."""

from http import HTTPStatus

import requests

from soundstrip_gateway.keys import AuthUnavailable

_TIMEOUT_SECONDS = (2.0, 15.0)
"""To connect, and to answer: checking a password is slow on purpose, and others may be first."""


class LoginRefused(Exception):
    """The auth service said no: bad credentials (401), or too many attempts (429)."""

    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__(f"the auth service refused with {status}")
        self.status = status
        self.retry_after = retry_after


class LoginDesk:
    """Passes credentials on."""

    def __init__(self, url: str) -> None:
        self._url = url

    def exchange(self, authorization: str, address: str | None = None) -> str:
        """Return the token for an Authorization header with Basic credentials.

        Args:
            authorization: The header.
            address: Where it comes from, so that guessing there is not held against others.

        Raises:
            LoginRefused: If the auth service refuses them.
            AuthUnavailable: If it does not answer, or not as it should.
        """
        try:
            with requests.Session() as session:
                session.trust_env = False  # a .netrc would replace the header
                answer = session.post(
                    self._url,
                    headers=_headers(authorization, address),
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            raise AuthUnavailable("The auth service does not answer.") from error
        return _read_answer(answer)


def _headers(authorization: str, address: str | None) -> dict[str, str]:
    headers = {"Authorization": authorization}
    return headers | {"X-Forwarded-For": address} if address else headers


def _read_answer(answer: requests.Response) -> str:
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}:
        raise LoginRefused(answer.status_code, answer.headers.get("Retry-After"))
    try:
        answer.raise_for_status()
        return str(answer.json()["token"])
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        raise AuthUnavailable("The auth service does not answer as it should.") from error
