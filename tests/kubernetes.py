"""The real cluster: as a person reaches it, by kubectl, and directly for tests that ask often."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

from tests.api_server import CONTEXT, Refused, api_server, kubeconfig_of
from tests.processes import RUN_LABEL, is_alive
from tests.waiting import wait_until

_OVERTAKEN = 5
"""How often the Job controller may change a pod while its status is written."""

_OURS = "apis/soundstrip.dev/v1alpha1"
_RESOURCES = {
    "videoconversions": _OURS,
    "conversionbatches": _OURS,
    "conversionprofiles": _OURS,
    "jobs": "apis/batch/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "events": "api/v1",
    "pods": "api/v1",
    "resourcequotas": "api/v1",
}
"""What tests ask for, and where the API server has it."""

_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


class KubectlError(AssertionError):
    """kubectl refused; the text is what it printed."""


class Namespace:
    """One namespace of the cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.context = CONTEXT

    def kubectl(self, *arguments: str, stdin: str | None = None, seconds: float = 180) -> str:
        """Run kubectl in this namespace and return what it prints."""
        command = ["kubectl", f"--context={self.context}", f"--namespace={self.name}", *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, input=stdin, timeout=seconds
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip())
        return done.stdout

    def kubeconfig(self) -> str:
        """Return the configuration by which the cluster is reached, credentials included."""
        return kubeconfig_of(self.context)

    def apply(self, body: dict[str, Any], *arguments: str) -> dict[str, Any]:
        """Create or change an object and return it as the API server holds it."""
        return self._json("apply", "-f-", *arguments, stdin=json.dumps(body))

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object and return it as the API server holds it."""
        return self._json("create", "-f-", stdin=json.dumps(body))

    def create_all(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Create several objects at once."""
        self.kubectl("create", "-f-", stdin=_as_list(bodies))

    def replace_statuses(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Write the status of several objects at once, whatever else has changed of them.

        kubectl takes a version that is not given from the server, and may be overtaken then.
        """
        for body in bodies:
            body["metadata"].pop("resourceVersion", None)
        for left in reversed(range(_OVERTAKEN)):
            try:
                self.kubectl("replace", "--subresource=status", "-f-", stdin=_as_list(bodies))
            except KubectlError as error:
                if "(Conflict)" not in str(error) or not left:
                    raise
            else:
                return

    def replace_status(self, body: dict[str, Any]) -> dict[str, Any]:
        """Write an object's status."""
        return self._json("replace", "--subresource=status", "-f-", stdin=json.dumps(body))

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object, or None when there is none."""
        text = self.kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """Return all objects of a kind."""
        items: list[dict[str, Any]] = self._json("get", kind, *arguments)["items"]
        return items

    def patch(self, kind: str, name: str, patch: Any, *arguments: str) -> dict[str, Any]:
        """Patch an object by JSON merge and return it."""
        text = json.dumps(patch)
        return self._json("patch", kind, name, "--type=merge", f"--patch={text}", *arguments)

    def remove(self) -> None:
        """Remove the namespace and all in it, if it is there, and wait until it is gone.

        What a run that was killed has left may have no operator any more that lets go of it.
        """
        delete = ["delete", "namespace", self.name, "--ignore-not-found", "--wait=false"]
        self.kubectl(*delete)
        wait_until(self._is_gone, f"the namespace {self.name} is gone", seconds=400)

    def _is_gone(self) -> bool:
        if self.get("namespace", self.name) is None:
            return True
        held = [one for one in self.list("videoconversions") if one["metadata"].get("finalizers")]
        with suppress(KubectlError):  # it may go by itself meanwhile
            for one in held:
                name = one["metadata"]["name"]
                self.patch("videoconversion", name, {"metadata": {"finalizers": None}})
        return False

    def _json(self, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.kubectl(*arguments, "--output=json", stdin=stdin))
        return body


def _as_list(bodies: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})


class Corner(Namespace):
    """A namespace that is asked without kubectl, which costs a fifth of a second each time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._api = api_server()

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object and return it as the API server holds it."""
        return self._api.ask("POST", self._path(_plural(body)), body, fieldValidation="Strict")

    def try_create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return what the API server would hold, which it does not."""
        words = {"fieldValidation": "Strict", "dryRun": "All"}
        return self._api.ask("POST", self._path(_plural(body)), body, **words)

    def create_all(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Create several objects."""
        for body in bodies:
            self.create(body)

    def replace_statuses(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Write the status of several objects, whatever else has changed of them."""
        for body in bodies:
            self._overwrite_status(body)

    def _overwrite_status(self, body: dict[str, Any]) -> None:
        path = self._path(_plural(body), body["metadata"]["name"])
        for left in reversed(range(_OVERTAKEN)):
            current = self._api.ask("GET", path) | {"status": body["status"]}
            try:
                self._api.ask("PUT", f"{path}/status", current)
            except Refused as error:
                if error.status != HTTPStatus.CONFLICT or not left:
                    raise
            else:
                return

    def replace_status(self, body: dict[str, Any]) -> dict[str, Any]:
        """Write an object's status."""
        path = self._path(_plural(body), body["metadata"]["name"])
        return self._api.ask("PUT", f"{path}/status", body, fieldValidation="Strict")

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object, or None when there is none."""
        try:
            return self._api.ask("GET", self._path(_resource(kind), name))
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def list(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """Return all objects of a kind; the arguments are kubectl's --selector and the like."""
        words = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
        names = {"selector": "labelSelector", "field-selector": "fieldSelector"}
        asked = {names[word]: value for word, value in words.items()}
        told = self._api.ask("GET", self._path(_resource(kind)), **asked)
        about = {"apiVersion": told["apiVersion"], "kind": told["kind"].removesuffix("List")}
        return [about | item for item in told["items"]]

    def patch(self, kind: str, name: str, patch: Any, *arguments: str) -> dict[str, Any]:
        """Patch an object by JSON merge and return it."""
        assert not arguments, arguments
        path = self._path(_resource(kind), name)
        return self._api.ask("PATCH", path, patch, fieldValidation="Strict")

    def delete(self, kind: str, name: str) -> None:
        """Have an object deleted; its finalizers may hold it for longer than this takes."""
        self._api.ask("DELETE", self._path(_resource(kind), name))

    def clear(self) -> None:
        """Delete what belongs to users and administrators, whatever would hold it back."""
        for conversion in self.list("videoconversions"):
            self._let_go(conversion["metadata"]["name"])
        for resource in ("videoconversions", "conversionbatches", "conversionprofiles"):
            self._api.ask("DELETE", self._path(resource))

    def _let_go(self, conversion: str) -> None:
        try:
            self.patch("videoconversions", conversion, {"metadata": {"finalizers": None}})
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:  # what was about to go may be gone by now
                raise

    def open(self) -> None:
        """Make the namespace itself, one that admits restricted pods only."""
        metadata = {"name": self.name, "labels": _RESTRICTED | {RUN_LABEL: str(os.getpid())}}
        self._api.ask("POST", "api/v1/namespaces", {"metadata": metadata})

    def close(self) -> None:
        """Give the namespace and all in it up; it takes the API server a while."""
        self.clear()
        self._api.ask("DELETE", f"api/v1/namespaces/{self.name}")

    def _path(self, resource: str, *name: str) -> str:
        return "/".join([_RESOURCES[resource], "namespaces", self.name, resource, *name])


def _plural(body: dict[str, Any]) -> str:
    return _resource(body["kind"].lower())


def _resource(kind: str) -> str:
    """Return a resource by its plural or singular."""
    return next(name for name in (kind, f"{kind}s", f"{kind}es") if name in _RESOURCES)


def _close_abandoned() -> None:
    """Give up the namespaces of test runs that were killed."""
    told = api_server().ask("GET", "api/v1/namespaces", labelSelector=RUN_LABEL)
    for metadata in (item["metadata"] for item in told["items"]):
        if "deletionTimestamp" not in metadata and not is_alive(int(metadata["labels"][RUN_LABEL])):
            with suppress(Refused):  # another worker is at it, too
                Corner(metadata["name"]).close()


@contextmanager
def fresh_namespace() -> Iterator[Corner]:
    """Lend a namespace, which goes with all that is in it."""
    _close_abandoned()
    namespace = Corner(f"test-{secrets.token_hex(4)}")
    namespace.open()
    yield namespace
    namespace.close()
