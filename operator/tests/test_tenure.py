"""Claims about one process's share in the Lease, with an API server whose answers may not come."""

import asyncio
from typing import Any

import pytest

from soundstrip_operator.cluster import ClusterUnavailable, Conflict, NotFound
from soundstrip_operator.release.lease import give_up_lease
from soundstrip_operator.tenure import LeaseLost, Tenure, identify
from soundstrip_operator.workqueue import Retry

Body = dict[str, Any]

_DURATION: Any = 0.06
"""Seconds; real Leases know whole ones."""


class LeaseModel:
    """Keeps one Lease. `told` is called with each change, as by the watch."""

    def __init__(self) -> None:
        self.lease: Body | None = None
        self.lost_answers = 0
        self.silences = 0
        self.writes = 0
        self.told = lambda _body: None

    async def get_lease(self, name: str) -> Body:
        if self.lease is None:
            raise NotFound(name)
        return self.lease

    async def create_lease(self, _name: str, spec: Body, annotations: Body) -> Body:
        return self._write(1, spec, annotations)

    async def patch_lease(self, _name: str, version: int, spec: Body, annotations: Body) -> Body:
        assert self.lease is not None
        if self.silences:
            self.silences -= 1
            await asyncio.Event().wait()
        metadata = self.lease["metadata"]
        if metadata["resourceVersion"] != str(version):
            raise Conflict("changed")
        merged = metadata["annotations"] | annotations
        return self._write(version + 1, self.lease["spec"] | spec, merged)

    async def delete_lease(self, _name: str, version: int) -> None:
        assert self.lease is not None
        assert self.lease["metadata"]["resourceVersion"] == str(version)
        self.lease = None

    def _write(self, version: int, spec: Body, annotations: Body) -> Body:
        metadata = {"resourceVersion": str(version), "annotations": annotations}
        self.lease = {"metadata": metadata, "spec": spec}
        self.writes += 1
        self.told(self.lease)
        if self.lost_answers:
            self.lost_answers -= 1
            raise ClusterUnavailable("The API server did not answer")
        return self.lease

    @property
    def holder(self) -> str | None:
        return (self.lease or {"spec": {}})["spec"].get("holderIdentity")


@pytest.fixture
def model() -> LeaseModel:
    return LeaseModel()


@pytest.fixture
def tenure(model: LeaseModel) -> Tenure:
    cluster: Any = model
    return Tenure(cluster, name="lease", install="one", identity="a", duration=_DURATION)


async def test_renewals_that_never_come_back_end_the_tenure_and_free_the_lease(
    model: LeaseModel, tenure: Tenure
):
    with pytest.raises(Retry):
        tenure.check()
    async with asyncio.timeout(60):
        with pytest.raises(LeaseLost, match="did not come back"):
            await tenure.keep()
    assert tenure.taken.is_set()
    assert tenure.age_of_echo() is None
    assert model.holder == "a"
    await tenure.release()
    assert model.holder is None


async def test_answers_that_are_lost_or_never_come_do_not_cost_the_lease(
    model: LeaseModel, tenure: Tenure
):
    enough = asyncio.Event()

    def tell(body: Body) -> None:
        tenure.see_lease(body, gone=False)
        if model.writes % 7 == 2:
            model.lost_answers = 2
        if model.writes % 7 == 6:
            model.silences = 1
        if model.writes > 30:
            enough.set()

    model.told = tell
    keeping = asyncio.create_task(tenure.keep())
    async with asyncio.timeout(60):
        await asyncio.wait(
            [keeping, asyncio.create_task(enough.wait())], return_when="FIRST_COMPLETED"
        )
    assert not keeping.done()
    assert model.holder == "a"
    keeping.cancel()
    await asyncio.wait([keeping])
    model.lost_answers = model.silences = 0
    await tenure.release()
    assert model.holder is None


async def test_a_lease_that_another_has_taken_ends_the_tenure_and_stays_the_others(
    model: LeaseModel, tenure: Tenure
):
    keeping = asyncio.create_task(tenure.keep())
    async with asyncio.timeout(60):
        await tenure.taken.wait()
        assert model.lease is not None
        version = int(model.lease["metadata"]["resourceVersion"])
        await model.patch_lease("lease", version, {"holderIdentity": "b"}, {})
        with pytest.raises(LeaseLost, match="lost to b"):
            await keeping
    with pytest.raises(Retry):
        tenure.check()
    await tenure.release()
    assert model.holder == "b"


def test_the_containers_of_one_pod_are_one_and_strangers_are_not():
    assert identify("uid-1") == identify("uid-1") != identify("uid-2")
    assert identify(None) != identify(None)


async def test_a_lease_stays_its_installations_until_that_is_uninstalled(
    model: LeaseModel, tenure: Tenure
):
    cluster: Any = model
    keeping = asyncio.create_task(tenure.keep())
    async with asyncio.timeout(60):
        await tenure.taken.wait()
    keeping.cancel()
    await asyncio.wait([keeping])
    await tenure.release()
    assert model.lease is not None
    assert model.lease["metadata"]["annotations"] == {"soundstrip.dev/install": "one"}
    await give_up_lease(cluster, "lease", "other")
    assert model.holder is None
    assert model.lease
    await give_up_lease(cluster, "lease", "one")
    assert model.lease is None
    await give_up_lease(cluster, "lease", "one")
