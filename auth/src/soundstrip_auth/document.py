"""What this API's description says of the whole."""

from dataclasses import replace
from importlib.metadata import version

from soundstrip_service.openapi import About, Elsewhere

ABOUT = About(
    title="Soundstrip auth",
    version=version("soundstrip-auth"),
    description="Users, passwords and tokens. Errors are problem details (RFC 9457).",
    schemes={
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    },
    tags={
        "sessions": "Logging in and out, and access tokens.",
        "keys": "API keys of scripts.",
        "passwords": "Other passwords.",
        "registration": "Becoming a user, with or without an invitation.",
        "users": "For administrators: users, and what was done.",
        "service": "Health, keys of tokens, and this description.",
        "legacy": "The routes that clients of the seed know.",
    },
)


def describe_api(gateway_url: str | None) -> About:
    """Return what the description begins with; `gateway_url` is where people reach the gateway."""
    if gateway_url is None:
        return ABOUT
    page = Elsewhere("Uploads and conversions: the gateway", f"{gateway_url.rstrip('/')}/docs")
    return replace(ABOUT, elsewhere=page)
