"""The real cluster, as a person reaches it: by kubectl."""

import json
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

CONTEXT = "kind-soundstrip"
_OVERTAKEN = 5
"""How often the Job controller may change a pod while its status is written."""


class KubectlError(AssertionError):
    """kubectl refused; the text is what it printed."""


class Namespace:
    """One namespace of the cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.context = CONTEXT

    def kubectl(self, *arguments: str, stdin: str | None = None, seconds: float = 60) -> str:
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
        return self.kubectl("config", "view", "--minify", "--raw", "--flatten")

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
        """Remove the namespace and all in it, if it is there, and wait until it is gone."""
        delete = ["delete", "namespace", self.name, "--ignore-not-found", "--timeout=180s"]
        self.kubectl(*delete, seconds=200)

    def _json(self, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.kubectl(*arguments, "--output=json", stdin=stdin))
        return body


def _as_list(bodies: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})


@contextmanager
def fresh_namespace() -> Iterator[Namespace]:
    """Lend a namespace, which goes with all that is in it."""
    namespace = Namespace(f"test-{secrets.token_hex(4)}")
    namespace.kubectl("create", "namespace", namespace.name)
    label = "pod-security.kubernetes.io/enforce=restricted"
    namespace.kubectl("label", "namespace", namespace.name, label)
    yield namespace
    for conversion in namespace.list("videoconversions"):
        name = conversion["metadata"]["name"]
        namespace.patch("videoconversion", name, {"metadata": {"finalizers": None}})
    namespace.kubectl("delete", "namespace", namespace.name, "--wait=false")
