"""Counts each request before its route runs, and tells in its answer what is left."""

from collections.abc import Callable, Sequence

import flask

from soundstrip_service.rates import Count, describe_counts, refuse_rate

_UNCOUNTED = frozenset({"health.livez", "health.health"})


def install_metering(app: flask.Flask, count: Callable[[flask.Request], Sequence[Count]]) -> None:
    """Have each request counted but probes and OPTIONS, and refused if a limit is used up.

    Args:
        app: The app.
        count: Counts a request by all the limits that are for it.
    """

    def meter() -> None:
        request = flask.request
        if request.endpoint in _UNCOUNTED or request.method == "OPTIONS":
            return
        flask.g.counts = count(request)
        problem = refuse_rate(flask.g.counts)
        if problem is not None:
            raise problem

    def tell(answer: flask.Response) -> flask.Response:
        for name, value in describe_counts(flask.g.get("counts", ())).items():
            answer.headers[name] = value
        return answer

    app.before_request(meter)
    app.after_request(tell)
