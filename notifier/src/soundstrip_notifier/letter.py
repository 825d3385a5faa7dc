"""The e-mail itself: from an event to the bytes that go over the wire. Pure."""

import hashlib
import re
from datetime import datetime
from typing import assert_never

import msgspec

from soundstrip_crds.events import CloudEvent
from soundstrip_notifier.errors import Malformed
from soundstrip_notifier.wording import (
    Wording,
    describe_failure,
    describe_success,
    write_html,
    write_text,
)
from soundstrip_service.addresses import Address
from soundstrip_service.letters import Letter, Words, compose

MESSAGE_ID_DOMAIN = "soundstrip"

_DOT_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LONGEST_ID = 50
"""Longer ones would fold the header line, and some readers keep the fold."""
_decoder = msgspec.json.Decoder(CloudEvent)


def parse_event(body: bytes) -> CloudEvent:
    """Parse a message of the queue.

    Raises:
        Malformed: it is no event of ours; the text says where, and quotes nothing of it.
    """
    try:
        event = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not an event that is understood: {error}") from error
    if event.type == "dev.soundstrip.conversion.succeeded" and event.data.result is None:
        raise Malformed("the event says that a conversion succeeded, and names no result")
    return event


def write_letter(
    event: CloudEvent, sender: Address, recipient: Address, public_url: str, now: datetime
) -> Letter:
    """Write the e-mail that tells of this event; the same event has the same Message-ID."""
    wording = choose_wording(event, public_url)
    words = Words(wording.subject, write_text(wording), write_html(wording))
    return compose(words, sender, recipient, message_id(event.id), now)


def choose_wording(event: CloudEvent, public_url: str) -> Wording:
    """Say what this event means to its owner."""
    match event.type:
        case "dev.soundstrip.conversion.succeeded":
            if event.data.result is None:
                raise Malformed("a success without a result")
            return describe_success(event.data, event.data.result, public_url)
        case "dev.soundstrip.conversion.failed":
            return describe_failure(event.data)
        case _:
            assert_never(event.type)


def message_id(event_id: str) -> str:
    """Return `<event id@soundstrip>`, or a digest in the id's place if it may not stand there."""
    if len(event_id) > _LONGEST_ID or not _DOT_ATOM.fullmatch(event_id):
        event_id = hashlib.sha256(event_id.encode()).hexdigest()[:_LONGEST_ID]
    return f"<{event_id}@{MESSAGE_ID_DOMAIN}>"
