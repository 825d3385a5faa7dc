"""Claims about pages of lists."""

import json

import msgspec

from soundstrip_operator.pages import Page, as_body, read_page


def test_a_page_has_its_objects_its_version_and_the_way_to_the_next():
    text = json.dumps(
        {
            "kind": "JobList",
            "metadata": {"resourceVersion": "7", "continue": "more", "remainingItemCount": 3},
            "items": [{"n": 1}, {"n": 2}],
        }
    )
    assert read_page(text.encode(), as_body) == Page([{"n": 1}, {"n": 2}], 7, "more")


def test_the_last_page_leads_nowhere_and_a_list_may_be_empty():
    assert read_page(b'{"metadata":{"resourceVersion":"7"}}', as_body) == Page([], 7, "")
    assert read_page(b'{"metadata":{"continue":""},"items":[]}', as_body) == Page([], 0, "")


def test_what_cannot_be_read_is_left_out_and_the_others_stay():
    def read(text: msgspec.Raw) -> int | None:
        number: int = as_body(text)["n"]
        return number or None

    page = read_page(b'{"metadata":{},"items":[{"n":0},{"n":2}]}', read)
    assert page.items == [2]
