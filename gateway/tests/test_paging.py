from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.paging import (
    PageRefused,
    Place,
    choose_page,
    encode_cursor,
    parse_cursor,
    place_of,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@given(ages=st.lists(st.integers(0, 5), max_size=30), limit=st.integers(1, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_pages_together_are_the_list_newest_first(
    make_conversion: Callable[..., VideoConversion], ages: list[int], limit: int
):
    all_of_them = [
        make_conversion(file_id=f"{n:024x}", created=EPOCH + timedelta(seconds=age))
        for n, age in enumerate(ages)
    ]
    seen: list[VideoConversion] = []
    after: Place | None = None
    while True:
        page = choose_page(all_of_them, after, limit)
        assert len(page.items) <= limit
        seen += page.items
        if page.next is None:
            break
        after = parse_cursor(encode_cursor(page.next))
    assert seen == sorted(all_of_them, key=place_of, reverse=True)


def test_what_comes_while_one_turns_the_pages_disturbs_nothing(
    make_conversion: Callable[..., VideoConversion],
):
    old = [make_conversion(file_id=f"{n:024x}", created=EPOCH) for n in range(4)]
    first = choose_page(old, None, 2)
    new = make_conversion(file_id="f" * 24, created=EPOCH + timedelta(days=1))
    second = choose_page([new, *old], first.next, 2)
    seen = [c.metadata.name for c in first.items + second.items]
    assert sorted(seen) == [c.metadata.name for c in old]


@given(st.text())
def test_a_made_up_cursor_is_refused_in_words(text: str):
    with pytest.raises(PageRefused, match="cursor"):
        parse_cursor(text)
