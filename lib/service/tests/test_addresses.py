import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_service.addresses import AddressRefused, parse_address


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("ada@example.org", "ada@example.org"),
        ("root@localhost", "root@localhost"),
        ("a+b.c@mail.example.org", "a+b.c@mail.example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_parsed_and_its_domain_made_ascii(text: str, parsed: str):
    assert str(parse_address(text)) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@@example.org",
        "ada@example..org",
        "ada@-example.org",
        "a b@example.org",
        "ada@example.org\r\nRCPT TO:<eve@example.org>",
        "ada@example.org,eve@example.org",
        "<ada@example.org>",
        "a\u202eb@example.org",
        "x" * 65 + "@example.org",
        "ada@" + "x" * 64 + ".org",
    ],
)
def test_what_is_no_plain_address_is_refused(text: str):
    with pytest.raises(AddressRefused):
        parse_address(text)


@given(st.text(max_size=300))
def test_what_is_taken_is_one_visible_word(text: str):
    try:
        address = str(parse_address(text))
    except AddressRefused:
        return
    assert address.isprintable()
    assert not set(address) & set(' <>,;:"()[]\\')
    assert address.count("@") == 1
