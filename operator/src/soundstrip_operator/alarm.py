"""An alarm that somebody should see who does not read logs."""

from datetime import datetime

import structlog

from soundstrip_operator.cluster import Cluster, ClusterError

log = structlog.get_logger("soundstrip.alarm")


class Alarm:
    """Logs an error, and tells it as a Warning about the operator's own pod."""

    def __init__(self, cluster: Cluster, pod: str, uid: str | None) -> None:
        """Take the pod's name and uid; without a uid there is no pod, and only the log."""
        self._cluster = cluster
        self._pod = pod
        self._uid = uid

    async def sound(self, reason: str, message: str, now: datetime) -> None:
        """Tell of it; a cluster that does not take the Event is only logged."""
        log.error(message, reason=reason)
        if self._uid is None:
            return
        name = f"{self._pod}.{int(now.timestamp()):x}"
        told = {"type": "Warning", "reason": reason, "message": message}
        try:
            await self._cluster.tell_of_pod(name, self._pod, self._uid, told)
        except ClusterError as error:
            log.warning("an Event was not told", reason=reason, error=str(error))
