"""Where things are: the paths that answers name, and what stands in them."""

from soundstrip_gateway.views import ConversionId

CONVERSIONS = "/v1/conversions"
BATCHES = "/v1/batches"
LINKS = "/l"

CONVERSION_ID = {"conversion_id": ConversionId}
MERGE_PATCH = "application/merge-patch+json"


def conversion_url(name: str) -> str:
    """Return the path of a conversion."""
    return f"{CONVERSIONS}/{name}"


def batch_url(name: str) -> str:
    """Return the path of a batch."""
    return f"{BATCHES}/{name}"
