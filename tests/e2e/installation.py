"""One installation of Soundstrip, and what a test looks at in it."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from pymongo import MongoClient
from pymongo.database import Database
from tests.e2e.person import Person
from tests.e2e.port_forward import PortForward
from tests.kubernetes import Namespace
from tests.waiting import wait_until

from soundstrip_crds.names import CONVERSION_LABEL

VALUES = Path(__file__).with_name("values.yaml")
COLLECTIONS = ("sources.files", "sources.chunks", "results.files", "results.chunks", "intents")


class Installation:
    """The release `soundstrip` in one namespace, reached by port-forwards on loopback."""

    def __init__(self, namespace: Namespace, stack: ExitStack) -> None:
        self.namespace = namespace
        self._stack = stack
        self.gateway = self._forward("service/soundstrip-gateway", 8000)
        self.auth = self._forward("service/soundstrip-auth", 5000)
        self._mail = self._forward("service/soundstrip-mail", 8025)
        self._mongodb = self._forward("service/soundstrip-mongodb", 27017)

    def _forward(self, target: str, port: int) -> PortForward:
        return self._stack.enter_context(PortForward(self.namespace, target, port))

    def secret(self, name: str, key: str) -> str:
        """Return a value out of a Secret."""
        found = self.namespace.get("secret", name)
        assert found, f"there is no Secret {name}"
        return base64.b64decode(found["data"][key]).decode()

    @cached_property
    def demo(self) -> Person:
        """The first user."""
        return Person(self.gateway, "demo", self.secret("soundstrip-first-user", "password"))

    def conversion(self, name: str) -> dict[str, Any]:
        """Return a VideoConversion."""
        found = self.namespace.get("videoconversion", name)
        assert found, f"there is no VideoConversion {name}"
        return found

    def wait_finished(self, name: str, *, seconds: int = 300) -> dict[str, Any]:
        """Wait by `kubectl wait`, as a person would, and return the VideoConversion."""
        wait = ["wait", f"videoconversion/{name}", "--for=condition=Finished"]
        self.namespace.kubectl(*wait, f"--timeout={seconds}s", seconds=seconds + 10)
        return self.conversion(name)

    def mails(self) -> list[dict[str, Any]]:
        """Return what the mail server received, newest first."""
        found: list[dict[str, Any]] = self._read_mail("/messages")
        return found

    def letters(self) -> Iterator[dict[str, Any]]:
        """Yield what the mail server received, newest first, with all its words."""
        return (self._read_mail(f"/messages/{mail['id']}") for mail in self.mails())

    def _read_mail(self, path: str) -> Any:
        return requests.get(f"http://127.0.0.1:{self._mail.port}{path}", timeout=30).json()

    def mails_about(self, conversion: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the mails whose Message-ID is of this conversion's event."""
        uid = conversion["metadata"]["uid"]
        return [mail for mail in self.mails() if uid in mail["Message-ID"]]

    @contextmanager
    def database(self) -> Iterator[Database[dict[str, Any]]]:
        """Lend MongoDB, with the administrator's rights.

        Its client is closed while the way there is open: later it would wait half a minute for it.
        """
        password = self.secret("soundstrip-mongodb", "root-password")
        uri = f"mongodb://root:{password}@127.0.0.1:{self._mongodb.port}/?authSource=admin"
        client: MongoClient[dict[str, Any]]
        with MongoClient(uri, directConnection=True) as client:
            yield client["soundstrip"]

    def count_documents(self) -> dict[str, int]:
        """Return how many documents each collection holds; what is empty is left out."""
        with self.database() as database:
            counts = {name: database[name].count_documents({}) for name in COLLECTIONS}
        return {name: count for name, count in counts.items() if count}

    def restart_forwards(self) -> None:
        """Forget connections into pods that are gone."""
        for forward in (self.gateway, self.auth, self._mail, self._mongodb):
            forward.close()

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Return the pods of one part of the installation, but not those that are to go."""
        pods = self.namespace.list("pods", f"--selector=app.kubernetes.io/component={component}")
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def jobs_and_pods(self, *conversions: str) -> list[str]:
        """Return the names of the conversions' Jobs and pods."""
        selector = f"--selector={CONVERSION_LABEL} in ({','.join(conversions)})"
        found = self.namespace.list("jobs,pods", selector)
        return [item["metadata"]["name"] for item in found]

    def count_results(self, conversion: Mapping[str, Any]) -> int:
        """Return how many results are stored of a conversion."""
        uid = conversion["metadata"]["uid"]
        with self.database() as database:
            return database["results.files"].count_documents({"metadata.conversionUid": uid})

    def wait_ready(self, *workloads: str) -> None:
        """Wait until deployments or stateful sets are rolled out."""
        for workload in workloads:
            self.namespace.kubectl("rollout", "status", workload, "--timeout=180s", seconds=200)


def condition(conversion: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a condition of a VideoConversion."""
    conditions = conversion.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})


def outcome(conversion: Mapping[str, Any]) -> tuple[str, str]:
    """Return status and reason of Succeeded."""
    succeeded = condition(conversion, "Succeeded")
    return succeeded.get("status", ""), succeeded.get("reason", "")


def assert_each_ended_once(installation: Installation, names: list[str]) -> None:
    """Fail unless each conversion succeeds: by one try, with one result and one e-mail."""
    conversions = [installation.wait_finished(name) for name in names]
    assert {outcome(c) for c in conversions} == {("True", "Succeeded")}
    for conversion in conversions:
        assert installation.count_results(conversion) == 1
        assert len(conversion["status"]["runs"][0]["tries"]) == 1
    for conversion in conversions:
        _assert_one_mail(installation, conversion)


def _assert_one_mail(installation: Installation, conversion: Mapping[str, Any]) -> None:
    name = f"videoconversion/{conversion['metadata']['name']}"
    limit = "--timeout=240s"
    installation.namespace.kubectl("wait", name, "--for=condition=Notified", limit, seconds=250)
    wait_until(lambda: installation.mails_about(conversion), "the e-mail arrives", seconds=120)
    assert len(installation.mails_about(conversion)) == 1
