from hypothesis import given
from hypothesis import strategies as st

from soundstrip_auth.schema import Migration, find_pending, read_migrations
from soundstrip_auth.startup import pause_before

KNOWN = [Migration(number, f"step {number}", "SELECT 1") for number in range(1, 6)]


def test_migrations_are_numbered_from_1_without_gaps():
    versions = [migration.version for migration in read_migrations()]
    assert versions == list(range(1, len(versions) + 1))


def test_each_migration_is_one_statement():
    for migration in read_migrations():
        assert ";" not in migration.statement


@given(st.sets(st.integers(1, 9)))
def test_what_is_applied_is_not_pending_and_the_order_stays(applied: set[int]):
    pending = [migration.version for migration in find_pending(KNOWN, applied)]
    assert pending == [number for number in range(1, 6) if number not in applied]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_while_waiting_for_mysql_are_bounded(attempt: int, jitter: float):
    assert 0.1 < pause_before(attempt, jitter) <= 5.0


def test_pauses_differ_between_replicas():
    assert pause_before(3, 0.1) != pause_before(3, 0.9)
