import json
from datetime import UTC, datetime

import msgspec
import pytest

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.live.routes import parse_mark
from soundstrip_gateway.live.sights import parse_version, see
from soundstrip_gateway.views import describe

from .conftest import MakeConversion


def versioned(conversion: VideoConversion, **parts: object) -> VideoConversion:
    metadata = msgspec.structs.replace(conversion.metadata, resource_version="7", **parts)
    return msgspec.structs.replace(conversion, metadata=metadata)


def test_a_sight_shows_what_the_conversions_own_route_shows(make_conversion: MakeConversion):
    made = versioned(make_conversion())
    seen = see(made)
    assert json.loads(seen.data) == json.loads(
        msgspec.json.encode(describe(made, f"/v1/conversions/{made.metadata.name}"))
    )
    assert (seen.name, seen.owner, seen.version) == (made.metadata.name, "7", 7)
    assert not seen.is_finished


def test_one_that_is_being_deleted_is_gone(make_conversion: MakeConversion):
    now = datetime(2026, 1, 2, tzinfo=UTC)
    seen = see(versioned(make_conversion(), deletion_timestamp=now))
    assert seen.is_gone
    assert json.loads(seen.data) == {"id": seen.name}


def test_one_without_a_version_comes_before_all_others(make_conversion: MakeConversion):
    assert see(make_conversion()).version == 0


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "\u0661"])
def test_what_is_no_version_is_refused(text: str):
    with pytest.raises(ValueError, match="number"):
        parse_version(text)


@pytest.mark.parametrize(
    ("text", "mark"), [("12", 12), ("", None), ("x", None), ("-1", None), ("9" * 20, None)]
)
def test_a_last_event_id_of_somebody_else_is_none(text: str, mark: int | None):
    assert parse_mark(text) == mark
