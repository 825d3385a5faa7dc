"""The chart: its own test, and upgrades that keep what was generated."""

from tests.e2e import release
from tests.e2e.installation import Installation


def secrets_of(installation: Installation) -> dict[str, dict[str, str]]:
    """Return the release's Secrets; Helm keeps its own history in Secrets too."""
    found = installation.namespace.list("secrets", "--field-selector=type=Opaque")
    return {secret["metadata"]["name"]: secret["data"] for secret in found}


def test_an_upgrade_keeps_every_generated_secret(installation: Installation):
    before = secrets_of(installation)
    release.upgrade(installation.namespace, "--set=operator.resources.requests.cpu=60m")
    assert before
    assert secrets_of(installation) == before


def test_helm_test_converts_a_second_of_video(installation: Installation):
    assert "Succeeded" in release.run_test(installation.namespace)
