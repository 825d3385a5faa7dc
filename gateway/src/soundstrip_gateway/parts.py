"""What the routes need."""

from dataclasses import dataclass

from soundstrip_gateway.browsers import Browsers
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.intake import Intake
from soundstrip_gateway.keys import KeyRing
from soundstrip_gateway.lanes import Lanes
from soundstrip_gateway.library import Library
from soundstrip_gateway.limiter import Limiter
from soundstrip_gateway.live.handover import LiveDesk
from soundstrip_gateway.login import LoginDesk
from soundstrip_gateway.office import Office
from soundstrip_gateway.rates import Rates
from soundstrip_gateway.takeup import TakeUp
from soundstrip_gateway.tokens import Tokens


@dataclass(frozen=True)
class Parts:
    """The adapters behind the routes, built once; `max_upload` is in bytes."""

    browsers: Browsers
    cluster: Cluster
    gate: Gate
    intake: Intake
    library: Library
    limiter: Limiter
    login: LoginDesk
    keys: KeyRing
    lanes: Lanes
    live: LiveDesk
    office: Office
    rates: Rates
    tokens: Tokens
    take_up: TakeUp
    max_upload: int
