import msgspec
import pytest

from soundstrip_crds.audio import Output
from soundstrip_crds.conversion import Source
from soundstrip_crds.job import JobPlan
from soundstrip_worker.settings import SettingsError, read_settings, read_storage_settings

SOURCE = Source(
    file_id="0" * 24, filename="a.mp4", size=1, content_type="video/mp4", sha256="0" * 64
)
PLAN = JobPlan(
    install="i",
    conversion="vc",
    uid="u",
    run=1,
    try_number=1,
    owner="o",
    source=SOURCE,
    output=Output().resolve(),
    max_result_bytes=1,
)
VARIABLES = {"SOUNDSTRIP_PLAN": msgspec.json.encode(PLAN).decode(), "MONGO_URI": "mongodb://x"}


def test_every_missing_variable_is_named_at_once():
    with pytest.raises(SettingsError, match="SOUNDSTRIP_PLAN, MONGO_URI"):
        read_storage_settings({})


def test_a_converter_needs_the_plan_alone():
    settings = read_settings({"SOUNDSTRIP_PLAN": VARIABLES["SOUNDSTRIP_PLAN"]})
    assert settings.plan == PLAN
    assert str(settings.places.media) == "/conversion/source/media"


def test_a_malformed_plan_is_named():
    with pytest.raises(SettingsError, match="SOUNDSTRIP_PLAN is malformed"):
        read_settings({"SOUNDSTRIP_PLAN": "{}"})


def test_the_database_has_a_default():
    assert read_storage_settings(VARIABLES).mongo_db == "soundstrip"


@pytest.mark.parametrize("url", ["https://x/p", "http://x:port/p", "/v1/progress", "http://"])
def test_a_progress_address_that_cannot_be_posted_to_is_named(url: str):
    with pytest.raises(SettingsError, match="PROGRESS_URL"):
        read_storage_settings(VARIABLES | {"PROGRESS_URL": url})


def test_progress_is_posted_nowhere_by_default():
    assert read_storage_settings(VARIABLES).progress_url is None
