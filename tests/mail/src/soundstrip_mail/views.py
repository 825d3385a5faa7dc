"""The HTTP side: what arrived, for programs and for people, and how to misbehave."""

import json
from html import escape

from aiohttp import web

from soundstrip_mail.behaviour import Behaviour, InvalidBehaviour, Script
from soundstrip_mail.mailbox import Mailbox, StoredMessage

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Soundstrip's mail</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap;background:#f4f4f4;padding:1rem}}</style>
<h1>Mail that arrived here: {count}</h1>
<p>This server delivers nothing; it shows. Newest first.</p>
{messages}
</html>
"""
_PAGE_LIMIT = 100


class Views:
    """Handlers over one mailbox and one script."""

    def __init__(self, mailbox: Mailbox, script: Script) -> None:
        self._mailbox = mailbox
        self._script = script

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application(client_max_size=64 * 1024)
        application.add_routes(
            [
                web.get("/", self.show_page),
                web.get("/livez", self.show_life),
                web.get("/messages", self.list_messages),
                web.get(r"/messages/{number:\d{1,12}}", self.show_message),
                web.delete("/messages", self.clear_messages),
                web.get("/behaviour", self.show_behaviour),
                web.put("/behaviour", self.set_behaviour),
                web.delete("/behaviour", self.reset_behaviour),
            ]
        )
        return application

    async def show_life(self, _: web.Request) -> web.Response:
        """Answer `GET /livez`."""
        return web.json_response({"status": "ok"})

    async def show_page(self, _: web.Request) -> web.Response:
        """Answer `GET /` with a page for people."""
        messages = list(self._mailbox.newest_first())
        sections = "\n".join(map(_section, messages[:_PAGE_LIMIT]))
        page = _PAGE.format(count=len(messages), messages=sections)
        return web.Response(text=page, content_type="text/html")

    async def list_messages(self, request: web.Request) -> web.Response:
        """Answer `GET /messages[?to=]`, newest first."""
        found = self._mailbox.newest_first(request.query.get("to"))
        return web.json_response([_summary(message) for message in found])

    async def show_message(self, request: web.Request) -> web.Response:
        """Answer `GET /messages/{id}`."""
        message = self._mailbox.find(int(request.match_info["number"]))
        if message is None:
            raise web.HTTPNotFound(text="No such message is kept here.\n")
        return web.json_response(_detail(message))

    async def clear_messages(self, _: web.Request) -> web.Response:
        """Answer `DELETE /messages`."""
        return web.json_response({"deleted": self._mailbox.clear()})

    async def show_behaviour(self, _: web.Request) -> web.Response:
        """Answer `GET /behaviour`."""
        return web.json_response(
            self._script.behaviour.to_dict() | {"waiting": self._script.waiting}
        )

    async def set_behaviour(self, request: web.Request) -> web.Response:
        """Answer `PUT /behaviour`."""
        try:
            self._script.set(Behaviour.parse(await request.json()))
        except (InvalidBehaviour, json.JSONDecodeError) as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        return await self.show_behaviour(request)

    async def reset_behaviour(self, request: web.Request) -> web.Response:
        """Answer `DELETE /behaviour`: take all mail again."""
        self._script.set(Behaviour())
        return await self.show_behaviour(request)


def _summary(message: StoredMessage) -> dict[str, object]:
    return {
        "id": str(message.number),
        "from": message.sender,
        "to": list(message.recipients),
        "subject": message.header("Subject"),
        "date": message.header("Date"),
        "Message-ID": message.header("Message-ID"),
        "receivedAt": message.received_at.isoformat(),
    }


def _detail(message: StoredMessage) -> dict[str, object]:
    return _summary(message) | {
        "headers": message.raw_headers,
        "text": message.part("plain"),
        "html": message.part("html"),
    }


def _section(message: StoredMessage) -> str:
    recipients = escape(", ".join(message.recipients))
    return (
        f"<h2>{escape(message.header('Subject'))}</h2>"
        f"<p>to {recipients}, {escape(message.header('Date'))}</p>"
        f"<pre>{escape(message.part('plain') or '')}</pre>"
    )
