"""What this API's description says of the whole."""

from dataclasses import replace
from importlib.metadata import version

from soundstrip_service.openapi import About, Elsewhere

ABOUT = About(
    title="Soundstrip",
    version=version("soundstrip-gateway"),
    description="Turns uploaded videos into audio. Errors are problem details (RFC 9457); what "
    "belongs to somebody else does not exist for you: 404.",
    schemes={
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    },
    tags={
        "conversions": "Uploads, what becomes of them, and their audio.",
        "uploads": "Uploads that survive a lost connection, by tus 1.0.0.",
        "links": "Links to audio that need no token.",
        "batches": "Many uploads that are converted together.",
        "profiles": "Names that an output can be asked for by.",
        "me": "Yourself.",
        "admin": "For administrators: quotas, intake, storage, sweep, audit log.",
        "service": "Health, and this description.",
        "legacy": "The routes that clients of the seed know.",
    },
)


def describe_api(auth_url: str | None) -> About:
    """Return what the description begins with; `auth_url` is where people reach auth, if known."""
    if auth_url is None:
        return ABOUT
    page = Elsewhere("Users, sessions and API keys: auth", f"{auth_url.rstrip('/')}/docs")
    return replace(ABOUT, elsewhere=page)
