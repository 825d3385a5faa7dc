import pytest

from soundstrip_gateway.addresses import Addresses, parse_base

HOST = "http://10.0.0.7:8000/"


def test_without_a_public_url_addresses_are_paths_and_an_uploads_is_where_it_was_sent():
    addresses = Addresses()
    assert addresses.conversion("vc-1") == "/v1/conversions/vc-1"
    assert addresses.link("secret") == "/l/secret"
    assert addresses.upload("5", HOST) == "http://10.0.0.7:8000/v1/uploads/5"


def test_with_one_every_address_is_below_it():
    addresses = Addresses(parse_base("https://example.org/audio/"))
    told = [
        addresses.conversion("vc-1"),
        addresses.batch("batch-1"),
        addresses.children("batch-1"),
        addresses.link("secret"),
        addresses.upload("5", HOST),
        addresses.root(HOST),
    ]
    assert all(url.startswith("https://example.org/audio") for url in told)
    assert told[4] == "https://example.org/audio/v1/uploads/5"


@pytest.mark.parametrize(
    "text", ["example.org", "ftp://x", "https://", "https://x?a", "https://x#a", "https://u:p@x"]
)
def test_what_is_no_address_of_a_server_is_refused(text: str):
    with pytest.raises(ValueError, match="PUBLIC_URL"):
        parse_base(text)
