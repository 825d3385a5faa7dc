"""A model of the API server, the Job controller and the kubelet: dicts and a clock.

It is for state machines that need thousands of lives in seconds; what the real ones do is held to
by the tests in tests/integration and tests/e2e.
"""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conversions import RESULT, Body, conversion_body, ended, pod_body, running

from soundstrip_crds.conversion import Metadata, Result, VideoConversion
from soundstrip_crds.names import OWNER_LABEL
from soundstrip_operator.cluster import Conflict, NotFound
from soundstrip_operator.situation import run_of
from soundstrip_storage.errors import StorageUnavailable


class Killed(BaseException):
    """The operator was killed here."""


class Fuse:
    """Kills the operator before or after its next call but some."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        """Pass one of the points at which a kill can come."""
        if self.left is None:
            return
        if self.left == 0:
            self.left = None
            raise Killed
        self.left -= 1


class Clock:
    """Time that goes only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def text(self) -> str:
        """Now, as Kubernetes writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")


class ClusterModel:
    """Holds the objects, and answers the operator's calls as the API server would."""

    def __init__(self, clock: Clock, fuse: Fuse) -> None:
        self.conversions: dict[str, Body] = {}
        self.profiles: dict[str, Body] = {}
        self.jobs: dict[str, Body] = {}
        self.pods: dict[str, Body] = {}
        self.created_jobs: list[str] = []
        self.version = 1
        self._clock = clock
        self._fuse = fuse

    # What a person and the gateway do.

    def add_conversion(self, number: int, output: Body) -> str:
        """Create a conversion."""
        body = conversion_body(f"{number:024x}", f"uid-{number}", spec={"output": output})
        body["spec"]["owner"]["id"] = body["metadata"]["labels"][OWNER_LABEL] = f"u{number % 2}"
        body["metadata"]["creationTimestamp"] = self._clock.text()
        self._touch(body)
        name: str = body["metadata"]["name"]
        self.conversions[name] = body
        return name

    def set_profile(self, name: str, spec: Body) -> None:
        """Create or change a profile."""
        body: Body = {"metadata": {"name": name, "uid": name}, "spec": spec}
        self._touch(body)
        self.profiles[name] = body

    def change(self, name: str, **spec: Any) -> None:
        """Change fields of the spec."""
        body = self.conversions[name]
        body["spec"] |= spec
        body["metadata"]["generation"] += 1
        self._touch(body)

    def give_up(self, name: str) -> str:
        """Ask for the end of the object, and return its uid."""
        body = self.conversions[name]
        body["metadata"].setdefault("deletionTimestamp", self._clock.text())
        self._touch(body)
        self._collect(name)
        uid: str = body["metadata"]["uid"]
        return uid

    # What Kubernetes does.

    def start_pod(self, name: str) -> None:
        """Run the pod of a Job."""
        body = pod_body(self.jobs[name], running(), running())
        body["metadata"]["creationTimestamp"] = self._clock.text()
        self._touch(body)
        self.pods[name] = body

    def end_container(self, name: str, container: str, code: int, reason: str, words: str) -> None:
        """End one container."""
        state = ended(code, reason, words)
        state["terminated"]["finishedAt"] = self._clock.text()
        for status in self.pods[name]["status"]["containerStatuses"]:
            if status["name"] == container and "terminated" not in status["state"]:
                status["state"] = state
        self._touch(self.pods[name])

    def settle(self) -> None:
        """Let pods and Jobs whose time has come end, and deleted ones go."""
        for name, pod in list(self.pods.items()):
            self._settle_pod(name, pod)
        for name, job in list(self.jobs.items()):
            if "deletionTimestamp" in job["metadata"] and name not in self.pods:
                del self.jobs[name]

    def _settle_pod(self, name: str, pod: Body) -> None:
        job = self.jobs.get(name)
        if job is None or "deletionTimestamp" in job["metadata"]:
            del self.pods[name]
            return
        states = [status["state"] for status in pod["status"]["containerStatuses"]]
        if not all("terminated" in state for state in states):
            return
        well = all(state["terminated"]["exitCode"] == 0 for state in states)
        pod["status"]["phase"] = "Succeeded" if well else "Failed"
        self._touch(pod)
        kind = "Complete" if well else "Failed"
        told = {"type": kind, "status": "True", "lastTransitionTime": self._clock.text()}
        if not job["status"].get("conditions"):
            job["status"]["conditions"] = [told]
            self._touch(job)

    # What the operator calls.

    async def replace_status(self, about: Metadata, status: Body) -> Body:
        self._fuse.burn()
        body = self._find({"name": about.name, "resourceVersion": about.resource_version})
        body["status"] = json.loads(json.dumps(status))
        self._touch(body)
        self._fuse.burn()
        return copy.deepcopy(body)

    async def get_conversion(self, name: str) -> Body:
        self._fuse.burn()
        if name not in self.conversions:
            raise NotFound(name)
        return copy.deepcopy(self.conversions[name])

    async def patch_conversion(self, name: str, metadata: Body) -> Body:
        self._fuse.burn()
        body = self._find({"name": name} | metadata)
        body["metadata"]["finalizers"] = metadata["finalizers"]
        body["metadata"]["labels"] |= metadata.get("labels", {})
        self._touch(body)
        self._collect(name)
        self._fuse.burn()
        return copy.deepcopy(body)

    async def delete_conversion(self, body: Body) -> None:
        self._fuse.burn()
        found = self._find(body["metadata"])
        found["metadata"]["deletionTimestamp"] = self._clock.text()
        self._touch(found)
        self._collect(found["metadata"]["name"])
        self._fuse.burn()

    async def create_job(self, body: Body) -> Body:
        self._fuse.burn()
        name = body["metadata"]["name"]
        if name in self.jobs:
            raise Conflict(name)
        self.created_jobs.append(name)
        job = copy.deepcopy(body) | {"status": {"startTime": self._clock.text()}}
        job["metadata"] |= {
            "uid": f"job-{len(self.created_jobs)}",
            "creationTimestamp": self._clock.text(),
        }
        self._touch(job)
        self.jobs[name] = job
        self._fuse.burn()
        return copy.deepcopy(job)

    async def get_job(self, name: str) -> Body | None:
        self._fuse.burn()
        return copy.deepcopy(self.jobs.get(name))

    async def delete_job(self, name: str, uid: str) -> Body | None:
        self._fuse.burn()
        job = self.jobs.get(name)
        if job is None:
            return None
        if job["metadata"]["uid"] != uid:
            raise Conflict(name)
        job["metadata"].setdefault("deletionTimestamp", self._clock.text())
        self._touch(job)
        self._fuse.burn()
        return copy.deepcopy(job)

    async def find_warning(self, job_uid: str) -> str:
        return f"no pod for {job_uid}"

    async def create_event(self, name: str, about: Metadata, told: Body) -> None:
        self._fuse.burn()

    def _find(self, metadata: Body) -> Body:
        body = self.conversions.get(metadata["name"])
        if body is None:
            raise NotFound(metadata["name"])
        if body["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise Conflict(metadata["name"])
        return body

    def _collect(self, name: str) -> None:
        metadata = self.conversions[name]["metadata"]
        if "deletionTimestamp" in metadata and not metadata["finalizers"]:
            del self.conversions[name]

    def _touch(self, body: Body) -> None:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)


class StorageModel:
    """Holds who claims a source and which results there are."""

    def __init__(self, fuse: Fuse) -> None:
        self.results: set[tuple[str, int]] = set()
        self.claims: set[str] = set()
        self.archived: dict[str, Body] = {}
        self.is_down = False
        self._fuse = fuse

    async def claim_source(self, conversion: VideoConversion) -> bool:
        self._answer()
        self.claims.add(conversion.metadata.uid)
        return True

    async def find_result(self, conversion: VideoConversion) -> Result | None:
        self._answer()
        if (conversion.metadata.uid, run_of(conversion.status)) not in self.results:
            return None
        found: dict[str, Any] = RESULT
        return Result(
            file_id=found["fileId"],
            filename=found["filename"],
            size=found["size"],
            sha256=found["sha256"],
            content_type=found["contentType"],
            duration_seconds=found["durationSeconds"],
            bitrate=found["bitrate"],
        )

    async def find_contact(self, conversion: VideoConversion) -> str | None:
        self._answer()
        return "ann@example.com"

    async def remove_blobs(self, conversion: VideoConversion) -> None:
        self._answer()
        uid = conversion.metadata.uid
        self.results = {result for result in self.results if result[0] != uid}
        self.claims.discard(conversion.metadata.uid)
        self.archived.pop(conversion.metadata.uid, None)

    async def archive(self, body: Body, now: datetime) -> None:
        self._answer()
        self.archived[body["metadata"]["uid"]] = body
        self._fuse.burn()

    def _answer(self) -> None:
        self._fuse.burn()
        if self.is_down:
            raise StorageUnavailable("MongoDB did not answer (Model)")
