"""Claims about what log lines say of the conversion that they are about."""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from structlog.contextvars import clear_contextvars, merge_contextvars
from structlog.testing import capture_logs
from tests.conversions import accepted_status, conversion, one_try

from soundstrip_operator.caption import begin_caption, extend_caption
from soundstrip_operator.workqueue import Retry, Workqueue

Line = MutableMapping[str, Any]


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    with capture_logs(processors=[merge_contextvars]) as lines:
        yield lines
    clear_contextvars()


def test_a_caption_names_conversion_run_and_job(lines: list[Line]):
    begin_caption("vc-1")
    extend_caption(conversion(status=accepted_status(one_try(), one_try(2))).status)
    structlog.get_logger().info("it goes on")
    assert lines[0]["conversion"] == "vc-1"
    assert lines[0]["run"] == 1
    assert lines[0]["job"] == one_try(2)["job"]


async def test_lines_about_failed_work_are_about_its_conversion_alone(lines: list[Line]):
    queue, done = Workqueue(workers=1, base=60), asyncio.Event()

    async def work(key: str) -> None:
        match key:
            case "vc-1":
                extend_caption(conversion(status=accepted_status(one_try())).status)
                raise Retry("no answer")
            case "vc-2":
                raise ZeroDivisionError
            case _:
                done.set()

    for key in ("vc-1", "vc-2", "vc-3"):
        queue.add(key)
    task = asyncio.create_task(queue.run(work))
    async with asyncio.timeout(60):
        await done.wait()
    task.cancel()
    await asyncio.wait([task])
    about = [(line["event"], line["conversion"], line.get("job")) for line in lines]
    assert about == [
        ("tried again later", "vc-1", one_try()["job"]),
        ("work failed", "vc-2", None),
        ("tried again later", "vc-2", None),
    ]
