import pytest
from limits import parse

from soundstrip_service.rates import (
    Count,
    Rates,
    Scope,
    describe_counts,
    name_address,
    parse_rates,
    parse_rates_by_role,
    refuse_rate,
)

MINUTE, HOUR = parse("10/minute"), parse("100/hour")


def test_an_address_of_ipv6_counts_with_its_whole_network():
    assert name_address("2001:db8:1:2:3::4") == name_address("2001:db8:1:2::9")
    assert name_address("2001:db8:1:3::4") != name_address("2001:db8:1:2::4")
    assert name_address("192.0.2.1") != name_address("192.0.2.2")
    assert name_address("::ffff:192.0.2.1") == name_address("192.0.2.1")
    assert name_address(None) == name_address("nonsense") == "unknown"


def test_the_headers_tell_all_limits_and_the_older_ones_the_nearest():
    counts = [
        Count(Scope.USER, MINUTE, 9, 7, allowed=True),
        Count(Scope.USER, HOUR, 2, 99, allowed=True),
    ]
    assert describe_counts(counts) == {
        "RateLimit-Policy": '"user-60";q=10;w=60, "user-3600";q=100;w=3600',
        "RateLimit": '"user-60";r=9;t=7, "user-3600";r=2;t=99',
        "RateLimit-Limit": "100",
        "RateLimit-Remaining": "2",
        "RateLimit-Reset": "99",
    }
    assert describe_counts([]) == {}
    assert refuse_rate(counts) is None


def test_the_refusal_waits_for_the_limit_that_is_last_to_have_room():
    problem = refuse_rate(
        [
            Count(Scope.ADDRESS, MINUTE, 0, 0, allowed=False),
            Count(Scope.LOGIN, HOUR, 0, 99, allowed=False),
        ]
    )
    assert problem is not None
    assert (problem.status, problem.headers["Retry-After"]) == (429, "99")
    assert problem.extensions == {"scope": "login", "limit": 100}


def test_of_several_roles_the_one_that_lets_most_through_counts():
    rates = Rates(
        parse_rates_by_role('{"user": "10/minute", "admin": "1000/hour;5/second", "root": "any"}'),
        (),
        (),
    )
    assert [item.amount for item in rates.of_user(["user", "admin"])] == [1000, 5]
    assert rates.of_user(["user", "root"]) == ()
    assert rates.of_user(["stranger"]) == ()


@pytest.mark.parametrize("wrong", ["often", "10", "10/fortnight", "-1/minute"])
def test_a_limit_that_is_none_is_refused(wrong: str):
    with pytest.raises((ValueError, KeyError)):  # the library's own
        parse_rates(wrong)
