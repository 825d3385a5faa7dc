"""How a conversion can fail: by its source's fault, or by the world's. Anything else is a bug."""

from soundstrip_crds.job import ExitCode


class Failure(Exception):
    """The root: an exit code of the taxonomy and a sentence for people; it holds no secret."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Rejected(Failure):
    """The source's fault: another try would end the same way."""


class Disrupted(Failure):
    """The world's fault: another try may succeed."""
