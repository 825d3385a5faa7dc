from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.paging import (
    Found,
    PageRefused,
    choose_page,
    encode_cursor,
    parse_cursor,
    place_of,
)
from soundstrip_storage.history import Field, Order, Place

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NEWEST = Order()
ORDERS = st.builds(Order, st.sampled_from(Field), st.booleans())


@given(ages=st.lists(st.integers(0, 5), max_size=30), limit=st.integers(1, 7), order=ORDERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_pages_together_are_the_list_in_its_order(
    make_conversion: Callable[..., VideoConversion], ages: list[int], limit: int, order: Order
):
    all_of_them = [
        Found(make_conversion(file_id=f"{n:024x}", created=EPOCH + timedelta(seconds=age)))
        for n, age in enumerate(ages)
    ]
    seen: list[Found] = []
    after: Place | None = None
    while True:
        page = choose_page(all_of_them, order, after, limit)
        assert len(page.items) <= limit
        seen += page.items
        if page.next is None:
            break
        after = parse_cursor(encode_cursor(page.next, order), order)
    assert seen == sorted(
        all_of_them,
        key=lambda found: place_of(found.conversion, order),
        reverse=order.descending,
    )


def test_what_comes_while_one_turns_the_pages_disturbs_nothing(
    make_conversion: Callable[..., VideoConversion],
):
    old = [Found(make_conversion(file_id=f"{n:024x}", created=EPOCH)) for n in range(4)]
    first = choose_page(old, NEWEST, None, 2)
    new = Found(make_conversion(file_id="f" * 24, created=EPOCH + timedelta(days=1)))
    second = choose_page([new, *old], NEWEST, first.next, 2)
    seen = [found.conversion.metadata.name for found in first.items + second.items]
    assert sorted(seen) == [found.conversion.metadata.name for found in old]


@given(st.text(), ORDERS)
def test_a_made_up_cursor_is_refused_in_words(text: str, order: Order):
    with pytest.raises(PageRefused, match="cursor"):
        parse_cursor(text, order)


@given(ORDERS, ORDERS)
def test_a_cursor_is_of_one_order_only(one: Order, other: Order):
    value = "a.mp4" if one.field is Field.FILENAME else EPOCH
    cursor = encode_cursor(Place(value, "vc-1"), one)
    if one == other:
        assert parse_cursor(cursor, one) == Place(value, "vc-1")
    else:
        with pytest.raises(PageRefused):
            parse_cursor(cursor, other)
