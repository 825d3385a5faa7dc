"""Which conversions a list is to hold, and in which order: the words of its URL."""

from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from soundstrip_crds.audio import Format
from soundstrip_crds.conversion import FileId, Moment, VideoConversion
from soundstrip_crds.names import BATCH_LABEL
from soundstrip_gateway.refusals import unprocessable
from soundstrip_gateway.views import State, finished_at, format_of, state_of
from soundstrip_storage.history import Criteria, Field, Order

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def _one_or_several(words: tuple[str, ...]) -> Meta:
    one = f"({'|'.join(words)})"
    return Meta(pattern=f"^{one}(,{one})*$", max_length=255, description="one, or several with ,")


BatchId = Annotated[
    str, Meta(pattern="^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$", description="a batch's id")
]
Time = Annotated[
    str,
    Meta(
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?"
        "(Z|[+-][0-9]{2}:[0-9]{2})$",
        extra_json_schema={"format": "date-time"},
    ),
]
"""A word, for a number is read as a time too where a time is asked for."""

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, Meta(description="nextCursor of the page before", max_length=440)]


class ConversionQuery(msgspec.Struct, rename="camel"):
    """What a list of conversions can be asked for; all of it must hold.

    UNSET and not None, for a word `null` in a URL means nothing. Spans of time begin with `…After`
    and end before `…Before`.
    """

    state: Annotated[str, _one_or_several(get_args(State))] | UnsetType = UNSET
    format: Annotated[str, _one_or_several(get_args(Format))] | UnsetType = UNSET
    q: Annotated[
        str,
        Meta(pattern="^[^\\x00-\\x1f]*$", max_length=255, description="a part of the file's name"),
    ] = ""
    file_id: FileId | UnsetType = UNSET
    batch: BatchId | UnsetType = UNSET
    created_after: Time | UnsetType = UNSET
    created_before: Time | UnsetType = UNSET
    finished_after: Time | UnsetType = UNSET
    finished_before: Time | UnsetType = UNSET
    sort: Annotated[
        Literal["-createdAt", "createdAt", "-finishedAt", "finishedAt", "-filename", "filename"],
        Meta(description="- puts the last first"),
    ] = "-createdAt"
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | UnsetType = UNSET

    @property
    def order(self) -> Order:
        """The order that is asked for."""
        return Order(Field(self.sort.removeprefix("-")), descending=self.sort.startswith("-"))

    @property
    def criteria(self) -> Criteria:
        """What must hold.

        Raises:
            Problem: 422 if a time is none, such as the 30th of February.
        """
        return Criteria(
            states=_split(self.state),
            formats=_split(self.format),
            text=self.q,
            file_id=self.file_id or "",
            batch_label=BATCH_LABEL,
            batch=self.batch or "",
            created=(_parse_time(self.created_after), _parse_time(self.created_before)),
            finished=(_parse_time(self.finished_after), _parse_time(self.finished_before)),
        )


def admits(criteria: Criteria, conversion: VideoConversion) -> bool:
    """Say whether all of the criteria hold for a conversion."""
    source, made = conversion.spec.source, conversion.metadata.creation_timestamp
    text, label = criteria.text.casefold(), conversion.metadata.labels.get(criteria.batch_label)
    return (
        (not criteria.states or state_of(conversion) in criteria.states)
        and (not criteria.formats or format_of(conversion) in criteria.formats)
        and text in source.filename.casefold()
        and criteria.file_id in {"", source.file_id}
        and criteria.sha256 in {"", source.sha256}
        and (not criteria.batch or label == criteria.batch)
        and _lies_within(made or datetime.now(UTC), criteria.created)
        and _lies_within(finished_at(conversion), criteria.finished)
    )


def _lies_within(moment: datetime | None, span: tuple[datetime | None, datetime | None]) -> bool:
    first, end = span
    if moment is None:
        return first is None and end is None
    return (first is None or moment >= first) and (end is None or moment < end)


def _parse_time(text: str | UnsetType) -> datetime | None:
    if text is UNSET:
        return None
    try:
        return msgspec.convert(text, Moment)
    except msgspec.ValidationError as error:
        raise unprocessable(f"{text} is no time that there is.") from error


def _split(words: str | UnsetType) -> frozenset[str]:
    return frozenset(words.split(",")) if words else frozenset()
