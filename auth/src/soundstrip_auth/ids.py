"""Ids in paths: what can be none is no path, and MySQL need not compare it with any."""

from typing import Annotated

import flask
from msgspec import Meta
from werkzeug.routing import BaseConverter

_SHAPE = "[0-9a-z]{1,32}"

Id = Annotated[str, Meta(pattern=f"^{_SHAPE}$")]
"""An id, or a word that stands for one."""


class _IdConverter(BaseConverter):
    regex = _SHAPE


def install_ids(app: flask.Flask) -> None:
    """Let the app's routes say `<id:name>`."""
    app.url_map.converters["id"] = _IdConverter
