"""`/v1/admin`: for administrators alone."""

from collections.abc import Iterator

import flask

from soundstrip_gateway.admin.conversions import conversion_routes
from soundstrip_gateway.admin.intake import intake_routes
from soundstrip_gateway.admin.quotas import quota_routes
from soundstrip_gateway.admin.storage import storage_routes
from soundstrip_gateway.admin.trail import trail_routes
from soundstrip_gateway.parts import Parts


def admin_routes(parts: Parts) -> Iterator[flask.Blueprint]:
    """Yield the routes, by what they are about."""
    for routes in (quota_routes, conversion_routes, intake_routes, storage_routes, trail_routes):
        yield routes(parts)
