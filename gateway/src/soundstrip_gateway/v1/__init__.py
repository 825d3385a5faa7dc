"""The REST interface, version 1: a blueprint for each resource."""

import flask

from soundstrip_gateway.parts import Parts
from soundstrip_gateway.v1.batches import batch_routes
from soundstrip_gateway.v1.conversions import conversion_routes
from soundstrip_gateway.v1.files import file_routes
from soundstrip_gateway.v1.links import link_routes
from soundstrip_gateway.v1.me import me_routes
from soundstrip_gateway.v1.profiles import profile_routes
from soundstrip_gateway.v1.uploads import upload_routes

_RESOURCES = (
    upload_routes,
    conversion_routes,
    file_routes,
    link_routes,
    batch_routes,
    profile_routes,
    me_routes,
)


def v1_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("v1", __name__, url_prefix="/v1")
    for routes in _RESOURCES:
        blueprint.register_blueprint(routes(parts))
    return blueprint
