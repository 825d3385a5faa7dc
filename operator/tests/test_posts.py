"""Claims about the movers' posts of progress."""

from tests.conversions import condition, conversion_body

from soundstrip_crds.conversion import Progress
from soundstrip_crds.job import ProgressPost
from soundstrip_crds.reasons import Reason
from soundstrip_operator.posts import Posts
from soundstrip_operator.tokens import TokenBucket
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Workqueue


def post(percent: int) -> ProgressPost:
    return ProgressPost(reason=Reason.CONVERTING, progress=Progress(percent=percent))


def conversion(number: int, **parts: object) -> Conversion:
    return Conversion.parse(conversion_body(f"{number:024x}", f"uid-{number}", **parts))


def view_of(*numbers: int) -> View:
    view = View()
    for number in numbers:
        view.put_conversion(conversion(number))
    return view


async def test_what_has_no_token_is_not_seen_and_the_latest_is_seen_in_its_turn():
    view, bucket = view_of(1, 2), TokenBucket(rate=0.001)
    posts = Posts(view, Workqueue(workers=1), bucket)
    assert posts.take("uid-1", 1, 1, post(5))
    assert posts.take("uid-2", 1, 1, post(6))
    assert posts.take("uid-1", 1, 1, post(7))
    assert view.progress == {("uid-1", 1, 1): post(5)}


async def test_a_conversion_that_is_not_open_has_no_progress():
    view = view_of(1)
    posts = Posts(view, Workqueue(workers=1), TokenBucket(rate=1))
    assert not posts.take("uid-9", 1, 1, post(5))
    ends = {"conditions": [condition("Succeeded", "False", "Cancelled")]}
    view.put_conversion(conversion(1, metadata={"resourceVersion": "2"}, status=ends))
    assert not posts.take("uid-1", 1, 1, post(5))
    assert not view.progress
