"""The operator's environment variables."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from soundstrip_crds.events import DEFAULT_QUEUE
from soundstrip_operator.quantity import parse_bytes, parse_cores
from soundstrip_service.settings import TracedSettings


def _check_quantity(text: str) -> str:
    parse_bytes(text)
    return text


def _check_cores(text: str) -> str:
    parse_cores(text)
    return text


Bytes = Annotated[str, AfterValidator(_check_quantity)]
Cpu = Annotated[str, AfterValidator(_check_cores)]


def _read_never(value: object) -> object:
    return None if value == "never" else value


Lifetime = Annotated[
    Annotated[float, Field(ge=0, le=315_360_000)] | None, BeforeValidator(_read_never)
]
"""Seconds; None, which a person writes as `never`, has no end."""

_SHORTEST_KEY = 32


class OperatorSettings(TracedSettings):
    """What a person can set; the rest is in `policy`."""

    namespace: str = Field(description="the namespace that is watched")
    install_id: str = Field(description="marks this installation's blobs")
    port: int = Field(default=8080, ge=0, le=65535, description="port of the HTTP server")

    lease_name: str = Field(
        default="soundstrip-operator", description="the Lease that lets one operator act"
    )
    lease_duration_seconds: int = Field(
        default=45, ge=1, description="how long it holds unrenewed; it is renewed three times in it"
    )
    pod_uid: str | None = Field(
        default=None, description="the pod's uid: its next container takes its Lease up at once"
    )

    mongo_uri: SecretStr = Field(description="MongoDB's address, with credentials")
    mongo_db: str = Field(default="soundstrip", description="the database")
    rabbitmq_uri: SecretStr | None = Field(
        default=None, description="RabbitMQ's address; wins over the next four"
    )
    rabbitmq_host: str = Field(default="soundstrip-rabbitmq", description="RabbitMQ's host")
    rabbitmq_port: int = Field(default=5672, description="RabbitMQ's port")
    rabbitmq_user: str = Field(default="guest", description="RabbitMQ's user")
    rabbitmq_password: SecretStr = Field(
        default=SecretStr("guest"), description="that user's password"
    )
    mp3_queue: str = Field(default=DEFAULT_QUEUE, description="the queue of the notifier")

    worker_image: str = Field(description="image of mover and converter")
    worker_image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        default="IfNotPresent", description="when that image is pulled"
    )
    worker_image_pull_secret: str | None = Field(
        default=None, description="Secret with the registry's credentials"
    )
    worker_service_account: str | None = Field(
        default=None, description="service account of the worker pods; they get no token of it"
    )
    worker_node_selector: dict[str, str] = Field(
        default={}, description="labels of the nodes that worker pods run on, as JSON"
    )
    worker_tolerations: list[dict[str, str | int]] = Field(
        default=[], description="taints that worker pods tolerate, as Kubernetes' JSON"
    )
    mover_secret: str = Field(description="Secret whose key mongo-uri the mover gets")
    progress_url: str = Field(description="the address at which movers reach this server")
    progress_key: SecretStr = Field(
        description="secret that progress tokens are made with, at least 32 characters"
    )

    max_active_jobs: int = Field(default=2, ge=1, description="Jobs at the same time")
    max_active_per_owner: int | None = Field(
        default=None, ge=1, description="of these, Jobs of one owner; as many by default"
    )
    max_tries: int = Field(default=4, ge=1, le=20, description="tries of one conversion")
    retry_base_seconds: float = Field(default=5.0, gt=0, description="wait after the first try")
    start_timeout_seconds: float = Field(
        default=300.0, gt=0, description="how long a pod may take to start"
    )
    failed_job_retention_seconds: float = Field(
        default=600.0, ge=0, description="how long failed Jobs stay for their logs"
    )
    progress_writes_per_second: float = Field(
        default=20.0, gt=0, description="how often progress and places in the line are written"
    )
    default_ttl_seconds: Lifetime = Field(
        default=604800.0,
        description="when finished conversions that say nothing of it go to the archive; or never",
    )
    source_retention_seconds: Lifetime = Field(
        default=None, description="how long uploaded files are kept at most; never ends, if not set"
    )
    result_retention_seconds: Lifetime = Field(
        default=None, description="how long results are kept at most; never ends, if not set"
    )
    sweep_interval_seconds: float = Field(
        default=21600.0, gt=0, description="how often unneeded files are looked for"
    )
    sweep_delay_seconds: float = Field(
        default=86400.0, ge=0, description="how long an unneeded file is marked before it goes"
    )
    sweep_limit_percent: float = Field(
        default=10.0, ge=0, le=100, description="if more of all files are to go, none does"
    )
    resync_seconds: float = Field(
        default=120.0, gt=0, description="how often everything is listed again"
    )

    mover_memory_request: Bytes = Field(default="64Mi", description="memory that a mover gets")
    mover_memory_limit: Bytes = Field(default="150Mi", description="memory that kills a mover")
    mover_cpu_request: Cpu = Field(default="50m", description="CPU that a mover gets")
    mover_cpu_limit: Cpu = Field(default="1", description="CPU that a mover is held to")
    converter_memory_request: Bytes = Field(
        default="64Mi", description="memory that a converter gets"
    )
    converter_memory_limit: Bytes = Field(
        default="150Mi", description="memory that kills a converter"
    )
    converter_cpu_request: Cpu = Field(default="100m", description="CPU that a converter gets")
    converter_cpu_limit: Cpu = Field(default="2", description="CPU that a converter is held to")
    worker_memory_ceiling: Bytes = Field(
        default="600Mi", description="limit that is not grown beyond after an OutOfMemory"
    )
    disk_headroom: Bytes = Field(
        default="64Mi", description="disk of a worker's volumes beyond the files themselves"
    )
    max_result_bytes: int = Field(
        default=2 * 1024**3, ge=1, description="largest result that is stored, in bytes"
    )

    @model_validator(mode="after")
    def _check_progress_key(self) -> Self:
        if len(self.progress_key.get_secret_value()) < _SHORTEST_KEY:
            raise ValueError(f"PROGRESS_KEY needs at least {_SHORTEST_KEY} characters")
        return self
