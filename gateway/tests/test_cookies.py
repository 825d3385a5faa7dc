import pytest

from soundstrip_gateway.cookies import cookie_name, is_own_page
from soundstrip_service.browsers import parse_origins

HOST = "https://sound.example.org/"


@pytest.mark.parametrize(
    ("site", "origin", "own"),
    [
        ("same-origin", None, True),
        ("same-origin", "https://sound.example.org", True),
        ("same-site", "https://sound.example.org", False),
        ("cross-site", "https://sound.example.org", False),
        ("none", None, False),
        (None, "https://sound.example.org", True),
        (None, "https://sound.example.org:444", False),
        (None, "http://sound.example.org", False),
        (None, "https://sound.example.org.evil.example", False),
        (None, "null", False),
        (None, "", False),
        (None, None, False),
    ],
)
def test_only_a_page_of_the_host_itself_is_our_own(
    site: str | None,
    origin: str | None,
    own: bool,  # noqa: FBT001
):
    assert is_own_page(site, origin, HOST) is own


def test_a_secure_cookie_has_the_name_that_browsers_guard():
    assert cookie_name(secure=True).startswith("__Host-")
    assert not cookie_name(secure=False).startswith("__Host-")


def test_origins_are_read_and_what_is_none_is_refused():
    assert parse_origins("https://a.example, http://b.example:8080") == {
        "https://a.example",
        "http://b.example:8080",
    }
    assert parse_origins("") == frozenset()
    assert parse_origins("*") == {"*"}
    for wrong in ("a.example", "https://a.example/", "ftp://a.example", "https://"):
        with pytest.raises(ValueError, match="no origin"):
            parse_origins(wrong)
