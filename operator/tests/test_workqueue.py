"""Claims about the queue of keys."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from soundstrip_operator.workqueue import Retry, Workqueue


@asynccontextmanager
async def at_work(queue: Workqueue, work: Callable[[str], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(work))
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_key_is_worked_on_by_one_worker_at_a_time_and_once_more_if_it_was_added():
    queue, going, done = Workqueue(workers=4), asyncio.Event(), asyncio.Event()
    running, most, times = 0, 0, 0

    async def work(_key: str) -> None:
        nonlocal running, most, times
        running, times = running + 1, times + 1
        most = max(most, running)
        going.set()
        await asyncio.sleep(0)
        running -= 1
        if times == 2:
            done.set()

    async with at_work(queue, work):
        queue.add("a")
        queue.add("a")
        await going.wait()
        queue.add("a")
        queue.add("a")
        await done.wait()
    assert (most, times) == (1, 2)


async def test_one_key_that_hangs_does_not_hold_up_another():
    queue, other = Workqueue(workers=2), asyncio.Event()

    async def work(key: str) -> None:
        if key == "hangs":
            await asyncio.Event().wait()
        other.set()

    async with at_work(queue, work):
        queue.add("hangs")
        queue.add("other")
        await other.wait()


async def test_what_fails_comes_again_until_it_succeeds():
    queue, done = Workqueue(workers=1, base=0.001), asyncio.Event()
    failures = [Retry("no answer"), ValueError("a bug"), Retry("no answer")]
    backing_off = []

    async def work(_key: str) -> None:
        backing_off.append(queue.is_backing_off("a"))
        if failures:
            raise failures.pop()
        done.set()

    async with at_work(queue, work):
        queue.add("a")
        await done.wait()
        await asyncio.sleep(0)
        assert not queue.is_backing_off("a")
    assert backing_off == [False, True, True, True]


async def test_of_two_delays_the_shorter_counts_and_there_is_one_turn():
    queue, turn = Workqueue(workers=1), asyncio.Event()

    async def work(_key: str) -> None:
        turn.set()

    async with at_work(queue, work):
        queue.add_after("a", 3600)
        queue.add_after("a", 0.001)
        queue.add_after("a", 7200)
        await turn.wait()


async def test_a_key_in_a_pause_comes_neither_by_an_event_nor_by_an_earlier_timer():
    queue = Workqueue(workers=1, base=0.001)
    reached = {key: asyncio.Event() for key in ("paused", "next", "last")}
    turns: list[str] = []

    async def work(key: str) -> None:
        turns.append(key)
        reached[key].set()
        if key == "paused":
            raise Retry("asked to come later", pause=3600)

    async with at_work(queue, work):
        queue.add_after("paused", 0.002)
        queue.add("paused")
        queue.add("next")
        await reached["next"].wait()
        queue.add("paused")
        queue.add_after("paused", 0.001)
        queue.add_after("last", 0.005)
        await reached["last"].wait()
    assert turns == ["paused", "next", "last"]


async def test_a_key_comes_after_its_pause_by_itself():
    queue, done = Workqueue(workers=1, base=0.001), asyncio.Event()
    pauses = [0.001]

    async def work(_key: str) -> None:
        if pauses:
            raise Retry("asked to come later", pause=pauses.pop())
        done.set()

    async with at_work(queue, work):
        queue.add("a")
        await done.wait()
