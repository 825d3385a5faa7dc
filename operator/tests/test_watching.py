"""Claims about how the API server is watched."""

from itertools import islice

from soundstrip_operator.watching import _settings


def test_kopf_never_runs_out_of_attempts():
    backoffs = list(islice(_settings().networking.error_backoffs, 1000))
    assert len(backoffs) == 1000
    assert all(0 < seconds <= 20 for seconds in backoffs)
