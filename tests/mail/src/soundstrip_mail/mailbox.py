"""What arrived: the newest messages, in memory, within bounds."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property

DEFAULT_MESSAGE_LIMIT = 10_000
DEFAULT_BYTE_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True)
class StoredMessage:
    """One message as it came over the wire, with its envelope."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    received_at: datetime

    @cached_property
    def parsed(self) -> EmailMessage:
        """Return the message with its headers decoded."""
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def raw_headers(self) -> str:
        """Return the header lines as they came, encoded words and folds included."""
        head = self.content.partition(b"\r\n\r\n")[0]
        return head.decode("utf-8", errors="replace")

    def header(self, name: str) -> str:
        """Return the decoded header, or the empty string."""
        return str(self.parsed.get(name, ""))

    def part(self, subtype: str) -> str | None:
        """Return the first body of type `text/<subtype>`, if there is one, with plain newlines."""
        body = self.parsed.get_body((subtype,))
        return None if body is None else str(body.get_content()).replace("\r\n", "\n")


class Mailbox:
    """The newest messages; the oldest go when either bound is reached."""

    def __init__(
        self,
        message_limit: int = DEFAULT_MESSAGE_LIMIT,
        byte_limit: int = DEFAULT_BYTE_LIMIT,
    ) -> None:
        self._messages: deque[StoredMessage] = deque()
        self._message_limit = message_limit
        self._byte_limit = byte_limit
        self._bytes = 0
        self._count = 0

    def add(self, sender: str, recipients: tuple[str, ...], content: bytes) -> StoredMessage:
        """Keep a message and give it the next number, starting from 1."""
        self._count += 1
        message = StoredMessage(self._count, sender, recipients, content, datetime.now(UTC))
        self._messages.append(message)
        self._bytes += len(content)
        while len(self._messages) > self._message_limit or self._bytes > self._byte_limit:
            self._bytes -= len(self._messages.popleft().content)
        return message

    def newest_first(self, recipient: str | None = None) -> Iterator[StoredMessage]:
        """Yield the messages, or only those to this recipient (case does not matter)."""
        wanted = None if recipient is None else recipient.casefold()
        for message in reversed(self._messages):
            if wanted is None or wanted in map(str.casefold, message.recipients):
                yield message

    def find(self, number: int) -> StoredMessage | None:
        """Return the message with this number, if it is still kept."""
        return next((m for m in self._messages if m.number == number), None)

    def clear(self) -> int:
        """Forget all messages and return how many there were; numbers go on."""
        forgotten = len(self._messages)
        self._messages.clear()
        self._bytes = 0
        return forgotten
