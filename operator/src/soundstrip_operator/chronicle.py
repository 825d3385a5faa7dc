"""Tells the traces of conversions as they go on."""

from soundstrip_crds.conversion import Status, VideoConversion
from soundstrip_operator.spans import spans_of_step
from soundstrip_operator.view import View
from soundstrip_service.tracing import Tracing


class Chronicle:
    """Tells of each step what is over with it."""

    def __init__(self, view: View, tracing: Tracing) -> None:
        self._view = view
        self._tracing = tracing

    def see_step(self, conversion: VideoConversion, after: Status) -> None:
        """Take a step of a conversion to its next status, once it is written."""
        pods = self._view.pods.of(conversion.metadata.name)
        for span in spans_of_step(conversion, after, pods):
            self._tracing.tell(span)
