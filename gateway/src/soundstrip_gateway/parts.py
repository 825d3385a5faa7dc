"""What the routes need."""

from dataclasses import dataclass

from soundstrip_gateway.addresses import Addresses
from soundstrip_gateway.batches import Batches
from soundstrip_gateway.browsers import Browsers
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.further import Workshop
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.idempotency import Idempotency
from soundstrip_gateway.intake import Intake
from soundstrip_gateway.keys import KeyRing
from soundstrip_gateway.lanes import Lanes
from soundstrip_gateway.library import Library
from soundstrip_gateway.links import Links
from soundstrip_gateway.live.handover import LiveDesk
from soundstrip_gateway.login import LoginDesk
from soundstrip_gateway.office import Office
from soundstrip_gateway.resumable.custody import Custody
from soundstrip_gateway.resumable.reception import Reception
from soundstrip_gateway.rounds import Rounds
from soundstrip_gateway.shipments import Shipments
from soundstrip_gateway.takeup import TakeUp
from soundstrip_gateway.tokens import Tokens
from soundstrip_service.limiter import Limiter
from soundstrip_service.openapi import About
from soundstrip_service.rates import Rates


@dataclass(frozen=True)
class Parts:
    """The adapters behind the routes, built once; `max_upload` is in bytes."""

    about: About
    addresses: Addresses
    batches: Batches
    browsers: Browsers
    cluster: Cluster
    conversions: Conversions
    custody: Custody
    gate: Gate
    idempotency: Idempotency
    intake: Intake
    library: Library
    limiter: Limiter
    links: Links
    login: LoginDesk
    keys: KeyRing
    lanes: Lanes
    live: LiveDesk
    office: Office
    rates: Rates
    tokens: Tokens
    reception: Reception
    rounds: Rounds
    shipments: Shipments
    take_up: TakeUp
    workshop: Workshop
    max_upload: int
