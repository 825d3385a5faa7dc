"""Links: made and taken back by a conversion's owner, followed by anybody who has one."""

from functools import partial
from http import HTTPStatus

import flask
import msgspec

from soundstrip_gateway.addresses import CONVERSION_ID, LINKS
from soundstrip_gateway.callers import identify
from soundstrip_gateway.downloads import send_file
from soundstrip_gateway.idempotency import ABOUT as KEYED
from soundstrip_gateway.idempotency import Made, Turn, read_request
from soundstrip_gateway.links import LinkId, LinkOrder, LinkView, describe_link
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.v1.files import RANGE_HEADERS, file_answers
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_json,
)
from soundstrip_service.problems import hide_path
from soundstrip_storage.links import Link
from soundstrip_storage.requests import Done


class LinkList(msgspec.Struct):
    """All links to a conversion that hold, the newest first."""

    items: list[LinkView]


CREATE = Operation(
    "Make a link to the audio that needs no token",
    "links",
    {201: Answer("The link; its URL is not told again", LinkView)},
    problems=(400, 404, 409, 413, 415, 422),
    body=Body({"application/json": LinkOrder}),
    parts=CONVERSION_ID,
    headers=KEYED,
)
INDEX = Operation(
    "List the links to the audio",
    "links",
    {200: Answer("All of them", LinkList)},
    problems=(404,),
    parts=CONVERSION_ID,
)
DELETE = Operation(
    "Take a link back",
    "links",
    {204: Answer("It opens nothing any more")},
    problems=(404,),
    parts=CONVERSION_ID | {"link_id": LinkId},
)
FOLLOW = Operation(
    "Download the audio that a link is to",
    "links",
    file_answers("The audio"),
    problems=(404, 410, 416),
    security=(),
    headers=RANGE_HEADERS,
)

_SECRET = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def link_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes of a conversion's owner."""
    blueprint = flask.Blueprint("links", __name__, url_prefix="/conversions/<conversion_id>/links")

    @blueprint.post("")
    @describe_route(CREATE)
    def create(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        order = read_json(LinkOrder)
        sent = read_request(caller, msgspec.json.encode(order))

        def make(_turn: Turn) -> Made:
            found = parts.conversions.find(caller, conversion_id)
            link, token = parts.links.make(caller, found, order)
            return Made(_tell(parts, link, token), link.id, keep_body=False)

        def replay(done: Done) -> flask.Response:
            return _tell(parts, *parts.links.make_again(caller, done.note))

        return parts.idempotency.run(sent, make, replay)

    @blueprint.get("")
    @describe_route(INDEX)
    def index(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        links = parts.links.list(caller, parts.conversions.find(caller, conversion_id))
        return answer_json(LinkList([describe_link(link) for link in links]))

    @blueprint.delete("/<link_id>")
    @describe_route(DELETE)
    def delete(conversion_id: str, link_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        parts.links.remove(caller, parts.conversions.find(caller, conversion_id), link_id)
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def following_routes(parts: Parts) -> flask.Blueprint:
    """Return the route of those who have a link."""
    blueprint = flask.Blueprint("following", __name__, url_prefix=LINKS)

    # A path, so that whatever stands behind a secret is matched, and kept out of the logs, too.
    @blueprint.get("/<path:secret>")
    @describe_route(FOLLOW)
    @hide_path
    def follow(secret: str) -> flask.Response:
        opened = parts.links.open(secret)
        read = partial(parts.links.read, opened.link)
        answer = parts.lanes.hold_until_sent(lambda: send_file(flask.request, opened.file, read))
        answer.headers.update(_SECRET)
        return answer

    return blueprint


def _tell(parts: Parts, link: Link, token: str) -> flask.Response:
    view = describe_link(link, parts.addresses.link(token))
    return answer_json(view, HTTPStatus.CREATED, {"Cache-Control": "no-store"})
