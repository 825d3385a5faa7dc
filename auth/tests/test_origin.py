from ipaddress import ip_network

import pytest

from soundstrip_auth.origin import choose_address

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "chain", "address"),
    [
        ("192.0.2.9", [], "192.0.2.9"),
        ("192.0.2.9", ["198.51.100.1"], "192.0.2.9"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.66", "198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.1", "10.4.5.6"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", ["nonsense"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1", "nonsense"], "10.1.2.3"),
        ("", ["198.51.100.1"], ""),
        ("10.1.2.3", ["fe80::1%zone"], "10.1.2.3"),
    ],
)
def test_only_what_trusted_proxies_say_is_believed(remote: str, chain: list[str], address: str):
    assert choose_address(remote, chain, TRUSTED) == address
