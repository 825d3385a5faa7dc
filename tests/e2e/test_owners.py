"""Nobody sees, takes or converts what is another's."""

from pathlib import Path

from tests.e2e.installation import Installation, condition, outcome
from tests.e2e.person import Person
from tests.media import make_clip

from soundstrip_crds.names import API_VERSION, FINALIZER, KIND


def test_a_list_never_shows_what_is_anothers(
    installation: Installation, demo: Person, bob: Person, tmp_path: Path
):
    mine, his = (person.upload(make_clip(tmp_path / "clip.mp4")) for person in (demo, bob))
    listed = bob.request("GET", "/v1/conversions").text
    assert his.removeprefix("vc-") in listed
    assert mine.removeprefix("vc-") not in listed
    installation.wait_finished(mine)
    fid = mine.removeprefix("vc-")
    path = f"/v1/conversions/{mine}"
    for hidden in (path, f"{path}/result", f"/download?fid={fid}"):
        assert bob.request("GET", hidden).status_code == 404, hidden
    assert bob.request("DELETE", path).status_code == 404
    assert demo.request("GET", path).status_code == 200


def test_a_conversion_that_names_anothers_file_is_not_accepted(
    installation: Installation, demo: Person, bob: Person, tmp_path: Path
):
    name = demo.upload(make_clip(tmp_path / "clip.mp4"))
    his = bob.upload(make_clip(tmp_path / "clip.mp4"))
    spec = installation.conversion(name)["spec"]
    stolen = spec | {"owner": installation.conversion(his)["spec"]["owner"]}
    thief = f"{name}-0123abcd"
    metadata = {"name": thief, "finalizers": [FINALIZER]}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": stolen}
    installation.namespace.create(body)
    conversion = installation.wait_finished(thief)
    assert outcome(conversion) == ("False", "SourceMissing")
    assert condition(conversion, "Accepted")["status"] == "False"
    installation.namespace.kubectl("delete", "videoconversion", thief, "--timeout=170s")
    owners = installation.wait_finished(name)
    assert outcome(owners) == ("True", "Succeeded")
