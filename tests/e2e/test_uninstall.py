"""The end of an installation; by its name the last module, for it takes the others' away."""

from pathlib import Path

from tests.e2e import release
from tests.e2e.installation import Installation, outcome
from tests.e2e.person import Person
from tests.e2e.test_chart import secrets_of
from tests.media import make_clip, make_long


def test_uninstalling_keeps_the_data_and_a_new_install_goes_on(
    installation: Installation, demo: Person, tmp_path: Path
):
    secrets = secrets_of(installation)
    finished = demo.upload(make_clip(tmp_path / "clip.mp4"))
    installation.wait_finished(finished)
    under_way = demo.upload(make_long(tmp_path / "long.mp4", minutes=20))
    release.uninstall(installation.namespace)
    assert installation.conversion(under_way)
    release.install(installation.namespace)
    installation.restart_forwards()
    assert secrets_of(installation) == secrets
    assert demo.download(finished, tmp_path / "clip.mp3").stat().st_size
    assert outcome(installation.wait_finished(under_way, seconds=240)) == ("True", "Succeeded")


def test_deleting_the_namespace_does_not_hang_on_a_conversion_under_way(
    installation: Installation, demo: Person, tmp_path: Path
):
    demo.upload(make_long(tmp_path / "long.mp4", minutes=20))
    installation.namespace.remove()
    assert installation.namespace.get("namespace", installation.namespace.name) is None
