import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.apiserver import ClusterUnavailable, ObjectChanged
from soundstrip_gateway.cluster import Cluster

PATH = "/apis/soundstrip.dev/v1alpha1/namespaces/here/videoconversions"
MakeConversion = Callable[..., VideoConversion]


@pytest.fixture
def cluster(httpserver: HTTPServer) -> Cluster:
    configuration = Configuration()
    configuration.host = f"http://{httpserver.host}:{httpserver.port}"
    return Cluster(CustomObjectsApi(ApiClient(configuration)), "here")


def _object(conversion: VideoConversion) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(conversion.to_dict(), default=str))
    return body


def test_an_answer_that_got_lost_does_not_undo_a_creation(
    cluster: Cluster, httpserver: HTTPServer, make_conversion: MakeConversion
):
    made = make_conversion()
    httpserver.expect_request(PATH, "POST").respond_with_data("lost", 504)
    httpserver.expect_request(f"{PATH}/{made.metadata.name}").respond_with_json(_object(made))
    assert cluster.create(made) == made


def test_a_creation_that_did_not_happen_is_an_outage(
    cluster: Cluster, httpserver: HTTPServer, make_conversion: MakeConversion
):
    httpserver.expect_request(PATH, "POST").respond_with_data("no", 403)
    httpserver.expect_request(f"{PATH}/vc-0123456789abcdef01234567").respond_with_data("", 404)
    with pytest.raises(ClusterUnavailable, match="403"):
        cluster.create(make_conversion())


def test_another_object_of_that_name_is_not_taken_for_ours(
    cluster: Cluster, httpserver: HTTPServer, make_conversion: MakeConversion
):
    made = make_conversion()
    foreign = _object(made)
    foreign["spec"]["owner"]["id"] = "somebody"
    httpserver.expect_request(PATH, "POST").respond_with_data("exists", 409)
    httpserver.expect_request(f"{PATH}/{made.metadata.name}").respond_with_json(foreign)
    with pytest.raises(ObjectChanged, match="409"):
        cluster.create(made)


def test_a_scan_reads_on_to_the_end_and_past_what_can_not_be_read(
    cluster: Cluster, httpserver: HTTPServer, make_conversion: MakeConversion
):
    first, second, leaving = (make_conversion(file_id=f"{n:024x}") for n in range(3))
    unreadable = {"metadata": {"name": "vc-x"}, "spec": {"source": 3}}
    dying = _object(leaving)
    dying["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"

    def answer(request: Request) -> Response:
        assert request.args["labelSelector"] == "soundstrip.dev/owner=7"
        pages = {
            "": {"items": [_object(first), unreadable], "metadata": {"continue": "more"}},
            "more": {"items": [dying, _object(second)], "metadata": {}},
        }
        page = pages[request.args.get("continue", "")]
        return Response(json.dumps(page), content_type="application/json")

    httpserver.expect_request(PATH, "GET").respond_with_handler(answer)
    assert list(cluster.scan("7")) == [first, second]


def test_a_deletion_is_of_this_very_object_and_gone_is_gone(
    cluster: Cluster, httpserver: HTTPServer, make_conversion: MakeConversion
):
    body = _object(make_conversion())
    body["metadata"]["uid"] = "u-1"
    httpserver.expect_oneshot_request(
        f"{PATH}/{body['metadata']['name']}",
        "DELETE",
        json={"preconditions": {"uid": "u-1"}},
    ).respond_with_data("gone", 404)
    cluster.delete(VideoConversion.parse(body))
    httpserver.check_assertions()


def test_an_api_server_that_is_away_is_an_outage(make_conversion: MakeConversion):
    configuration = Configuration()
    configuration.host = "http://127.0.0.1:1"
    cluster = Cluster(CustomObjectsApi(ApiClient(configuration)), "here")
    for call in (cluster.check, lambda: cluster.create(make_conversion())):
        with pytest.raises(ClusterUnavailable):
            call()
