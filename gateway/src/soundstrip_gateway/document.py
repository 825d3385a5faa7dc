"""What this API's description says of the whole."""

from importlib.metadata import version

from soundstrip_service.openapi import SCHEMES, About

ABOUT = About(
    title="Soundstrip",
    version=version("soundstrip-gateway"),
    description="Turns uploaded videos into audio. Errors are problem details (RFC 9457); what "
    "belongs to somebody else does not exist for you: 404.",
    schemes=SCHEMES,
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

NEIGHBOUR = "Users, sessions and API keys: auth"
