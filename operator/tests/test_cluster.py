"""Claims about how answers of the API server are taken."""

from soundstrip_operator.cluster import ClusterUnavailable, _error
from soundstrip_operator.connection import Answer


def test_a_time_that_the_api_server_names_is_kept_to_up_to_a_minute():
    assert _error(Answer(429, b"{}", retry_after=7)).pause == 7
    assert _error(Answer(503, b"{}", retry_after=3600)).pause == 60
    assert _error(Answer(500, b"{}")).pause == 0


def test_an_answer_that_is_no_json_is_an_error_like_any_other():
    error = _error(Answer(502, b"<html>"))
    assert isinstance(error, ClusterUnavailable)
    assert str(error) == "The API server answered 502: it gave no message"
