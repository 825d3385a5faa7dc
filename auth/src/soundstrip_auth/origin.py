"""Where a request comes from."""

import ipaddress
from collections.abc import Iterable, Sequence

import flask
import structlog

from soundstrip_auth.audit import Origin

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PROXIES = "soundstrip.trusted-proxies"
_LONGEST_CLIENT = 200
_LONGEST_ADDRESS = 45


def trust_proxies(app: flask.Flask, networks: Sequence[Network]) -> None:
    """Believe what proxies in these networks say of the addresses that they speak for."""
    app.extensions[_PROXIES] = tuple(networks)


def client_address() -> str:
    """Return the address of the request's client."""
    chain = flask.request.headers.get("X-Forwarded-For", "").split(",")
    remote = flask.request.remote_addr or ""
    return choose_address(remote, chain, flask.current_app.extensions[_PROXIES])


def choose_address(remote: str, chain: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the last address, of those that a request passed through, that is no trusted proxy.

    Args:
        remote: Where the connection comes from.
        chain: What X-Forwarded-For says; each trusted proxy has appended whom it speaks for.
        trusted: Where proxies are believed.
    """
    address = remote
    for claimed in reversed([text.strip() for text in chain]):
        if not _is_among(address, trusted) or not _is_address(claimed):
            break
        address = claimed
    return address[:_LONGEST_ADDRESS]


def client_name() -> str:
    """Return what the client calls itself, for people to tell their sessions apart."""
    name = flask.request.headers.get("User-Agent", "")[:_LONGEST_CLIENT]
    return "".join(character for character in name if character.isprintable())


def request_origin() -> Origin:
    """Return what the audit log says of the request."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    return Origin(client_address(), str(request_id))


def _is_address(text: str) -> bool:
    """A zone behind a `%` may hold anything, and says nothing to anybody else."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _is_among(text: str, networks: Sequence[Network]) -> bool:
    return _is_address(text) and any(ipaddress.ip_address(text) in network for network in networks)
