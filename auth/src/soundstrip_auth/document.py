"""What this API's description says of the whole."""

from importlib.metadata import version

from soundstrip_service.openapi import SCHEMES, About

ABOUT = About(
    title="Soundstrip auth",
    version=version("soundstrip-auth"),
    description="Users, passwords and tokens. Errors are problem details (RFC 9457).",
    schemes=SCHEMES,
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

NEIGHBOUR = "Uploads and conversions: the gateway"
