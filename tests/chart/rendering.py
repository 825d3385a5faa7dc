"""What `helm template` makes of the chart."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "soundstrip"

Body = dict[str, Any]

EXTERNAL = (
    "--set=mongodb.enabled=false,mongodb.external.existingSecret=my-mongodb",
    "--set=mysql.enabled=false,mysql.external.existingSecret=my-mysql",
    "--set=mysql.external.host=mysql.example.org",
    "--set=rabbitmq.enabled=false,rabbitmq.external.existingSecret=my-rabbitmq",
)
MAIL = ("--set=mail.enabled=true",)
SMTP = ("--set=notifier.smtp.existingSecret=my-smtp",)
KIND = (f"--values={CHART / 'values-kind.yaml'}", *MAIL)
POLICIES = ("--set=networkPolicy.enabled=true", *MAIL)
VARIANTS = {
    "defaults": (),
    "kind": KIND,
    "smtp": SMTP,
    "external stores": (*EXTERNAL, *SMTP),
    "network policies": POLICIES,
}


class HelmError(AssertionError):
    """Helm refused; the text is what it printed."""


def helm(command: str, *arguments: str) -> str:
    """Run helm on the chart and return what it prints."""
    done = subprocess.run(
        ["helm", *command.split(), str(CHART), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise HelmError(done.stdout + done.stderr)
    return done.stdout


@cache
def render(*arguments: str, release: str = "soundstrip") -> list[Body]:
    """Return all objects of the chart with these arguments, hooks among them; not to be changed."""
    text = helm(f"template {release}", "--namespace=rendered", *arguments)
    return [body for body in yaml.load_all(text, Loader=yaml.CSafeLoader) if body]


def find(bodies: list[Body], kind: str, name: str) -> Body:
    """Return the object of this kind and name."""
    [found] = [b for b in bodies if (b["kind"], b["metadata"]["name"]) == (kind, name)]
    return found


def pods(bodies: list[Body]) -> Iterator[tuple[str, Body]]:
    """Yield each pod's component and spec, whatever makes the pod."""
    for body in bodies:
        if body["kind"] in {"Deployment", "StatefulSet", "Job"}:
            template = body["spec"]["template"]
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["spec"]
        elif body["kind"] == "Pod":
            yield body["metadata"]["labels"]["app.kubernetes.io/component"], body["spec"]


def containers(spec: Body) -> list[Body]:
    """Return all containers of a pod, in the order in which they start."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def environment(container: Body) -> dict[str, Any]:
    """Return a container's variables: a string, or where the value comes from."""
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container.get("env", [])}
