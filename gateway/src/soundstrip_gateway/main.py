"""Reads the settings, builds the gateway and serves it."""

import sys
from dataclasses import dataclass
from typing import NoReturn

from pydantic import Field, SecretStr
from werkzeug.middleware.proxy_fix import ProxyFix

from soundstrip_gateway.addresses import Addresses, PublicUrl
from soundstrip_gateway.allowances import Allowances, parse_quotas
from soundstrip_gateway.api_keys import ApiKeys, exchange_key
from soundstrip_gateway.app import create_app
from soundstrip_gateway.batches import Batches
from soundstrip_gateway.cluster import Cluster, connect_cluster
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.document import ABOUT, NEIGHBOUR
from soundstrip_gateway.further import Workshop
from soundstrip_gateway.gate import Gate, build_gate
from soundstrip_gateway.idempotency import Idempotency
from soundstrip_gateway.intake import Intake
from soundstrip_gateway.keys import KeyRing, fetch_keys
from soundstrip_gateway.lanes import Lanes
from soundstrip_gateway.library import Library
from soundstrip_gateway.limiter import build_limiter
from soundstrip_gateway.limits_settings import BrowserSettings, LimitSettings
from soundstrip_gateway.links import Links
from soundstrip_gateway.live.handover import LiveDesk
from soundstrip_gateway.login import LoginDesk
from soundstrip_gateway.namespaces import own_namespace
from soundstrip_gateway.office import build_office
from soundstrip_gateway.outside import OidcSettings, open_issuer
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.resumable.completion import Completion
from soundstrip_gateway.resumable.custody import Custody
from soundstrip_gateway.resumable.reception import Reception
from soundstrip_gateway.rounds import Rounds
from soundstrip_gateway.shipments import Shipments
from soundstrip_gateway.takeup import TakeUp
from soundstrip_gateway.tokens import Tokens
from soundstrip_gateway.valve import Valve
from soundstrip_service.logs import configure_logs
from soundstrip_service.server import serve
from soundstrip_service.settings import ServedSettings, TracedSettings, Url, load_settings
from soundstrip_service.tracing import Tracing, open_tracing
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.estate import Estate
from soundstrip_storage.history import History
from soundstrip_storage.links import LinkStore
from soundstrip_storage.requests import RequestLog
from soundstrip_storage.uploads import Uploads

_SILENCE_SECONDS = 60


class GatewaySettings(OidcSettings, TracedSettings, ServedSettings, LimitSettings, BrowserSettings):
    """The gateway's environment."""

    auth_svc_addr: str = Field(description="host:port of the auth service", min_length=1)
    auth_url: Url | None = Field(
        None, description="where people reach the auth service, for a link to its API's page"
    )
    mongo_uri: SecretStr | None = Field(
        None, description="MongoDB connection string; wins over MONGO_HOST and MONGO_PORT"
    )
    mongo_host: str = Field("host.minikube.internal", description="MongoDB's host")
    mongo_port: int = Field(27017, description="MongoDB's port", ge=1, le=65535)
    mongo_db: str = Field("soundstrip", description="the database", min_length=1)
    rabbitmq_host: str = Field(
        "", description="accepted and not used: the operator publishes, not the gateway"
    )
    max_content_length: int = Field(
        100 * 1024 * 1024, description="most bytes in the body of an upload", ge=1
    )
    namespace: str = Field(
        "", description="where VideoConversions are (the pod's own, else soundstrip)"
    )
    install_id: str = Field("soundstrip", description="marks the files of this installation")
    host: str = Field("0.0.0.0", description="address to listen on")  # noqa: S104 - a pod's own
    port: int = Field(8000, description="port to listen on", ge=1, le=65535)
    public_url: PublicUrl = ""
    live_socket: str = Field(
        "", description="Unix socket of the process for live events; none: no live events"
    )
    take_up_seconds: float = Field(
        60,
        description="how long an upload that has no conversion yet is left to the gateway that "
        "took it; then another creates it",
        gt=0,
        le=3600,
    )
    upload_expiry_seconds: float = Field(
        86_400,
        description="how long a resumable upload is kept that nothing more comes of",
        gt=0,
        le=30 * 86_400,
    )
    threads: int = Field(
        256, description="requests served at once; seven of eight may carry files", ge=4, le=1024
    )


def main() -> NoReturn:
    """Serve until SIGTERM; exit with 2 if the environment is not as it should be."""
    settings = load_settings(
        GatewaySettings,
        program="python -m soundstrip_gateway",
        description="Soundstrip's HTTP face: uploads, conversions, downloads. Kubernetes is "
        "reached by the pod's service account, or outside of a pod by KUBECONFIG.",
        argv=sys.argv[1:],
    )
    configure_logs(settings.log_level)
    parts = build_parts(settings)
    app = create_app(parts)
    proxies = settings.trusted_proxies
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask's documentation says
        app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
    )
    serve(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        timeout_seconds=_SILENCE_SECONDS,
        pace=settings.pace,
        background=(parts.rounds.run,),
    )


@dataclass(frozen=True)
class _Ground:
    """What most of the parts stand on."""

    database: Documents
    carriers: Carriers
    cluster: Cluster
    tracing: Tracing
    allowances: Allowances
    valve: Valve
    gate: Gate


def build_parts(settings: GatewaySettings) -> Parts:
    """Build everything behind the routes; nothing is connected to yet."""
    ground = _lay_ground(settings)
    database, cluster, carriers = ground.database, ground.cluster, ground.carriers
    gate, install = ground.gate, settings.install_id
    history, library = History(database), Library(database, carriers)
    conversions = Conversions(cluster, history, Estate(database))
    batches = Batches(cluster, conversions, library, gate)
    auth_url = _auth_url(settings)
    keys = KeyRing(lambda: fetch_keys(f"{auth_url}/.well-known/jwks.json"))
    reception, custody = _build_uploads(settings, ground)
    take_up = TakeUp(database, cluster, install, settings.take_up_seconds)
    return Parts(
        about=ABOUT.beside(NEIGHBOUR, settings.auth_url),
        addresses=Addresses(settings.public_url),
        batches=batches,
        browsers=settings.browsers,
        cluster=cluster,
        conversions=conversions,
        custody=custody,
        gate=gate,
        idempotency=Idempotency(RequestLog(database)),
        intake=Intake(database, cluster, install, ground.tracing, carriers=carriers, gate=gate),
        library=library,
        limiter=build_limiter(database, settings.rate_limit_patience_seconds),
        links=Links(LinkStore(database), conversions, library),
        login=LoginDesk(f"{auth_url}/login"),
        keys=keys,
        lanes=Lanes(settings.threads - max(2, settings.threads // 8)),
        live=LiveDesk(settings.live_socket),
        office=build_office(database, ground.allowances, ground.valve, install),
        rates=settings.rates,
        reception=reception,
        rounds=Rounds((take_up.look, custody.look), settings.take_up_seconds),
        shipments=Shipments(database, batches, gate, install, carriers=carriers),
        take_up=take_up,
        tokens=_build_tokens(settings, keys, auth_url),
        workshop=Workshop(cluster, conversions, history, library, gate),
        max_upload=settings.max_content_length,
    )


def _lay_ground(settings: GatewaySettings) -> _Ground:
    database = connect(_mongo_uri(settings), settings.mongo_db, application="gateway")
    cluster = connect_cluster(settings.namespace or own_namespace("soundstrip"))
    allowances = Allowances(database, parse_quotas(settings.quotas))
    valve = Valve(database)
    return _Ground(
        database=database,
        carriers=Carriers(),
        cluster=cluster,
        tracing=open_tracing("soundstrip-gateway", settings.otel_exporter_otlp_endpoint),
        allowances=allowances,
        valve=valve,
        gate=build_gate(database, cluster, allowances, valve, ceiling=settings.max_content_length),
    )


def _build_uploads(settings: GatewaySettings, ground: _Ground) -> tuple[Reception, Custody]:
    database, carriers, gate = ground.database, ground.carriers, ground.gate
    uploads = Uploads(database, settings.install_id)
    completion = Completion(
        database,
        uploads,
        ground.cluster,
        gate,
        install=settings.install_id,
        carriers=carriers,
        tracing=ground.tracing,
    )
    custody = Custody(uploads, completion, gate)
    reception = Reception(
        database,
        uploads,
        custody,
        carriers=carriers,
        gate=gate,
        most=settings.max_content_length,
        kept_seconds=settings.upload_expiry_seconds,
    )
    return reception, custody


def _build_tokens(settings: GatewaySettings, keys: KeyRing, auth_url: str) -> Tokens:
    api_keys = ApiKeys(lambda key: exchange_key(f"{auth_url}/v1/token", key))
    return Tokens(keys, api_keys, open_issuer(settings))


def _auth_url(settings: GatewaySettings) -> str:
    address = settings.auth_svc_addr
    return (address if "://" in address else f"http://{address}").rstrip("/")


def _mongo_uri(settings: GatewaySettings) -> str:
    if settings.mongo_uri is not None:
        return settings.mongo_uri.get_secret_value()
    return f"mongodb://{settings.mongo_host}:{settings.mongo_port}"
