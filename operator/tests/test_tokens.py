"""Claims about the bound on what happens too often."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from soundstrip_operator.tokens import Paced, TokenBucket

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=200)
RATES = st.floats(0.1, 50)
BURSTS = st.floats(1, 20)


@given(GAPS, RATES, BURSTS)
def test_no_more_go_than_the_burst_and_what_came_since(
    gaps: list[float], rate: float, burst: float
):
    bucket, now, taken = TokenBucket(rate, burst), 1000.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
    assert taken <= burst + rate * sum(gaps) + 1e-6


@given(GAPS, RATES, BURSTS)
def test_who_waits_as_told_gets_a_token(gaps: list[float], rate: float, burst: float):
    bucket, now = TokenBucket(rate, burst), 1000.0
    for gap in gaps:
        now += gap
        wait = bucket.wait(now)
        assert 0 <= wait <= 1 / rate
        assert bucket.take(now + wait + 1e-6)
        now += wait + 1e-6


def test_a_clock_that_goes_back_brings_no_tokens():
    bucket = TokenBucket(rate=1)
    assert bucket.take(100)
    assert not bucket.take(50)
    assert not bucket.take(100)
    assert bucket.take(101)


async def test_keys_pass_once_each_and_in_the_order_they_came():
    passed: asyncio.Queue[str] = asyncio.Queue()
    paced = Paced(TokenBucket(rate=20), passed.put_nowait)
    for key in ("first", "b", "a", "b", "a", "last"):
        paced.add(key)
    assert passed.qsize() == 1, "one token was there"
    async with asyncio.timeout(60):
        assert [await passed.get() for _ in range(4)] == ["first", "b", "a", "last"]
        paced.add("b")
        assert await passed.get() == "b", "who has passed may come again"
