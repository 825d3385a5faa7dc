"""The operator as it is, but it dies where it is told to, and no kubelet runs its pods.

Run by tests/operator_process.py as `python -m tests.failing_operator`. Variables beside the
operator's own, each of which may be left out:

- KILL_AT: `before publish`, `after create_job`: SIGKILL at the first such call of this process.
- WATCH_INACTIVITY_SECONDS: how long kopf bears a watch that says nothing.
- STORAGE_PATIENCE_SECONDS: how long a store that is away holds a deleted conversion back.
- CALL_SECONDS: how long a call to the API server is waited for.
- BACKOFF_CAP_SECONDS: the longest wait before what failed is tried again.

Nothing of this is in the operator itself. What is reconciled and which outcomes are written goes
to the log.
"""

import os
import signal
from dataclasses import replace
from typing import Any

import aiohttp
import structlog

from soundstrip_crds.conversion import Metadata
from soundstrip_operator import connection, watching
from soundstrip_operator import main as operator_main
from soundstrip_operator.cluster import Body, Cluster
from soundstrip_operator.publisher import Publisher
from soundstrip_operator.reconciler import Reconciler
from soundstrip_operator.storage import Storage

NOBODY = "nobody"
"""The scheduler that does not exist: pods that are left to it are started by nobody."""

log = structlog.get_logger("soundstrip.tests")

_ADAPTERS = (Cluster, Storage, Publisher)


def _kill_at(when: str, name: str) -> None:
    adapter = next(one for one in _ADAPTERS if hasattr(one, name))
    call = getattr(adapter, name)

    async def die(self: Any, *arguments: Any) -> None:
        if when == "after":
            await call(self, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(adapter, name, die)


def _leave_pods_alone() -> None:
    create = Cluster.create_job

    async def create_job(self: Cluster, body: Body) -> Body:
        body["spec"]["template"]["spec"]["schedulerName"] = NOBODY
        return await create(self, body)

    Cluster.create_job = create_job


def _tell() -> None:
    reconcile, write = Reconciler.reconcile, Cluster.replace_status

    async def tell_reconcile(self: Reconciler, key: str) -> None:
        log.info("reconciled")
        await reconcile(self, key)

    async def tell_outcome(self: Cluster, about: Metadata, status: Body) -> Body:
        outcomes = [one["status"] for one in status["conditions"] if one["type"] == "Succeeded"]
        log.info("written", outcomes=outcomes)
        return await write(self, about, status)

    Reconciler.reconcile, Cluster.replace_status = tell_reconcile, tell_outcome


def _shorten(inactivity: float | None, patience: float | None) -> None:
    configure, decide = watching._settings, operator_main.policy_of

    def settings() -> Any:
        settings = configure()
        if inactivity is not None:
            settings.watching.inactivity_timeout = inactivity
        return settings

    def policy(settings: Any) -> Any:
        policy = decide(settings)
        return policy if patience is None else replace(policy, storage_patience=patience)

    watching._settings, operator_main.policy_of = settings, policy


def _hurry(call: float | None, cap: float | None) -> None:
    if call is not None:
        connection._TIMEOUT = aiohttp.ClientTimeout(total=call)
    if cap is not None:
        make = operator_main.Workqueue
        operator_main.Workqueue = lambda **how: make(**how | {"cap": cap})


def _seconds(name: str) -> float | None:
    return float(os.environ[name]) if name in os.environ else None


if __name__ == "__main__":
    _leave_pods_alone()
    _tell()
    _shorten(_seconds("WATCH_INACTIVITY_SECONDS"), _seconds("STORAGE_PATIENCE_SECONDS"))
    _hurry(_seconds("CALL_SECONDS"), _seconds("BACKOFF_CAP_SECONDS"))
    if "KILL_AT" in os.environ:
        _kill_at(*os.environ["KILL_AT"].split())
    operator_main.main()
