"""From settings to the values that the parts take."""

import pika

from soundstrip_crds.job import CORES_LIMIT
from soundstrip_operator.job import Worker
from soundstrip_operator.policy import Policy
from soundstrip_operator.publisher import broker_parameters
from soundstrip_operator.quantity import parse_bytes, parse_cores
from soundstrip_operator.resources import Resources
from soundstrip_operator.settings import OperatorSettings
from soundstrip_operator.sweep import SweepPolicy


def sweep_policy_of(settings: OperatorSettings) -> SweepPolicy:
    """Return what the sweep goes by."""
    return SweepPolicy(
        delay=settings.sweep_delay_seconds,
        limit_percent=settings.sweep_limit_percent,
        source_retention=settings.source_retention_seconds,
        result_retention=settings.result_retention_seconds,
    )


def policy_of(settings: OperatorSettings) -> Policy:
    """Return the numbers that decisions go by."""
    return Policy(
        max_active_jobs=settings.max_active_jobs,
        max_active_per_owner=settings.max_active_per_owner or settings.max_active_jobs,
        max_tries=settings.max_tries,
        retry_base=settings.retry_base_seconds,
        start_limit=settings.start_timeout_seconds,
        failed_job_retention=settings.failed_job_retention_seconds,
        default_ttl=settings.default_ttl_seconds,
    )


def worker_of(settings: OperatorSettings) -> Worker:
    """Return what all Jobs have in common."""
    return Worker(
        install=settings.install_id,
        image=settings.worker_image,
        pull_policy=settings.worker_image_pull_policy,
        pull_secret=settings.worker_image_pull_secret,
        service_account=settings.worker_service_account,
        node_selector=settings.worker_node_selector,
        tolerations=tuple(settings.worker_tolerations),
        mover=Resources(
            parse_bytes(settings.mover_memory_request),
            parse_bytes(settings.mover_memory_limit),
            settings.mover_cpu_request,
            settings.mover_cpu_limit,
        ),
        converter=Resources(
            parse_bytes(settings.converter_memory_request),
            parse_bytes(settings.converter_memory_limit),
            settings.converter_cpu_request,
            settings.converter_cpu_limit,
        ),
        cores=min(CORES_LIMIT, max(1, parse_cores(settings.converter_cpu_limit))),
        memory_ceiling=parse_bytes(settings.worker_memory_ceiling),
        disk_headroom=parse_bytes(settings.disk_headroom),
        max_result_bytes=settings.max_result_bytes,
        mongo_db=settings.mongo_db,
        mover_secret=settings.mover_secret,
        progress_url=settings.progress_url,
        progress_key=settings.progress_key.get_secret_value().encode(),
    )


def broker_of(settings: OperatorSettings) -> pika.ConnectionParameters:
    """Return the way to RabbitMQ."""
    uri = settings.rabbitmq_uri
    return broker_parameters(
        uri=uri.get_secret_value() if uri else None,
        host=settings.rabbitmq_host,
        port=settings.rabbitmq_port,
        user=settings.rabbitmq_user,
        password=settings.rabbitmq_password.get_secret_value(),
    )
