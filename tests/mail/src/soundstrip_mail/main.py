"""Reads the command line, builds the two servers and runs them until a signal."""

import argparse
import asyncio
import signal
from collections.abc import Sequence

from aiohttp import web

from soundstrip_mail.behaviour import Script
from soundstrip_mail.mailbox import DEFAULT_MESSAGE_LIMIT, Mailbox
from soundstrip_mail.receiver import Receiver
from soundstrip_mail.views import Views


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sink; exit 0 on SIGTERM or SIGINT."""
    options = _parser().parse_args(arguments)
    asyncio.run(_serve(options.host, options.smtp_port, options.http_port, options.keep))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soundstrip_mail", description=__doc__)
    parser.add_argument("--host", help="address to listen on (default: all)")
    parser.add_argument("--smtp-port", type=int, default=1025, help="default: %(default)s")
    parser.add_argument("--http-port", type=int, default=8025, help="default: %(default)s")
    parser.add_argument(
        "--keep", type=int, default=DEFAULT_MESSAGE_LIMIT, help="newest messages kept: %(default)s"
    )
    return parser


async def _serve(host: str | None, smtp_port: int, http_port: int, keep: int) -> None:
    mailbox, script = Mailbox(message_limit=keep), Script()
    runner = web.AppRunner(Views(mailbox, script).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, http_port).start()
    receiver = Receiver(mailbox, script)
    server = await asyncio.get_running_loop().create_server(receiver.protocol, host, smtp_port)
    print(f"SMTP on port {smtp_port}, HTTP on port {http_port}", flush=True)
    await _signalled()
    server.close()
    await runner.cleanup()


async def _signalled() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
