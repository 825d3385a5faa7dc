"""Mover and operator read the same of a stored result."""

from pathlib import Path

from tests.conversions import conversion_body
from tests.worker import make_plan

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.job import ConverterReport
from soundstrip_operator.storage import Storage
from soundstrip_storage.connection import connect, connect_async
from soundstrip_storage.setup import set_up_collections
from soundstrip_worker.results import store_result


async def test_the_operator_finds_the_result_as_its_mover_told_it(
    mongo_uri: str, mongo_database: str, tmp_path: Path
):
    database = connect(mongo_uri, mongo_database, application="tests")
    set_up_collections(database)
    conversion = VideoConversion.parse(conversion_body())
    audio = tmp_path / "audio"
    audio.write_bytes(b"audio")
    plan = make_plan(audio, uid=conversion.metadata.uid)
    report = ConverterReport(file_type="m4a", copied=True)
    told = store_result(database, plan, audio, report, 2.5)
    own = connect_async(mongo_uri, mongo_database, application="tests")
    try:
        assert await Storage.of(own, plan.install).find_result(conversion) == told
    finally:
        await own.client.close()
