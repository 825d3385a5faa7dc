"""How the server is told to misbehave: real SMTP answers for tests of failure."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, get_args

Stage = Literal["mail", "rcpt", "data", "quit"]
STAGES: tuple[Stage, ...] = get_args(Stage)

_REPLY = re.compile(r"[2-5][0-9]{2} [ -~]{1,400}")
_LONGEST_DELAY = 600.0


class InvalidBehaviour(ValueError):
    """What was asked for is not understood; the message says why."""


@dataclass(frozen=True)
class Behaviour:
    """Replies by stage, a delay before the answer to DATA, and how often a reply is given."""

    replies: Mapping[Stage, str] = field(default_factory=dict)
    times: int | None = None
    delay_seconds: float = 0.0

    @classmethod
    def parse(cls, body: object) -> "Behaviour":
        """Parse `{"rcpt": "450 try later", "times": 2, "delaySeconds": 1}`.

        Raises:
            InvalidBehaviour: a key is unknown or a value is out of its bounds.
        """
        match body:
            case {**known} if set(known) <= {*STAGES, "times", "delaySeconds"}:
                replies = {stage: _reply(known[stage]) for stage in STAGES if stage in known}
                return cls(replies, _times(known.get("times")), _delay(known.get("delaySeconds")))
            case _:
                raise InvalidBehaviour(f"expected an object with {[*STAGES]}, times, delaySeconds")

    def to_dict(self) -> dict[str, object]:
        """Return the form that `parse` takes."""
        replies: dict[str, object] = dict(self.replies.items())
        times = {} if self.times is None else {"times": self.times}
        return replies | times | {"delaySeconds": self.delay_seconds}


def _reply(value: object) -> str:
    if isinstance(value, str) and _REPLY.fullmatch(value):
        return value
    raise InvalidBehaviour('a reply is a code and a text, such as "450 try later"')


def _times(value: object) -> int | None:
    if value is None or (type(value) is int and value > 0):
        return value
    raise InvalidBehaviour("times is a positive number")


def _delay(value: object) -> float:
    if value is None:
        return 0.0
    if type(value) in (int, float) and 0 <= value <= _LONGEST_DELAY:  # type: ignore[operator] # narrowed by type()
        return float(value)  # type: ignore[arg-type] # as above
    raise InvalidBehaviour(f"delaySeconds is a number from 0 to {_LONGEST_DELAY:.0f}")


class Script:
    """The behaviour in force, counted down reply by reply.

    `waiting` is the number of messages that were sent and whose answer is being held back.
    """

    def __init__(self) -> None:
        self._behaviour = Behaviour()
        self._left: int | None = None
        self._changed = asyncio.Event()
        self.waiting = 0

    @property
    def behaviour(self) -> Behaviour:
        """Return the behaviour with the times that are left."""
        return Behaviour(self._behaviour.replies, self._left, self._behaviour.delay_seconds)

    def set(self, behaviour: Behaviour) -> None:
        """Behave like this from the next command on; what is held back is answered."""
        self._behaviour, self._left = behaviour, behaviour.times
        self._changed.set()
        self._changed = asyncio.Event()

    def next_reply(self, stage: Stage) -> str | None:
        """Return the reply to give at this stage, and count it; None is the usual answer."""
        reply = self._behaviour.replies.get(stage)
        if reply is None or self._left == 0:
            return None
        if self._left is not None:
            self._left -= 1
        return reply

    async def wait(self) -> None:
        """Wait for as long as the answer to DATA is to be late, or until it is told otherwise."""
        self.waiting += 1
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._behaviour.delay_seconds)
        finally:
            self.waiting -= 1
