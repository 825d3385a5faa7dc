"""Soundstrip's objects at the API server."""

from collections.abc import Iterator
from typing import Any, assert_never

from kubernetes import config
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from urllib3 import Retry

from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import BATCH_PLURAL, OWNER_LABEL, PLURAL, PROFILE_PLURAL
from soundstrip_crds.profile import ConversionProfile
from soundstrip_gateway.namespaces import SERVICE_ACCOUNT
from soundstrip_gateway.objects import Objects
from soundstrip_gateway.orders import Order, body_of

_CONNECTIONS = 32
"""Kept for the next request; as many more as there are threads are opened and closed again."""


class Cluster:
    """The objects of one namespace; every call is bounded in time.

    What raises ClusterUnavailable may raise the other ClusterErrors that Objects names.
    """

    def __init__(self, api: CustomObjectsApi, namespace: str) -> None:
        self.conversions = Objects(api, namespace, PLURAL, VideoConversion)
        self.batches = Objects(api, namespace, BATCH_PLURAL, ConversionBatch)
        self.profiles = Objects(api, namespace, PROFILE_PLURAL, ConversionProfile)

    def create(self, conversion: VideoConversion) -> VideoConversion:
        """Create the conversion and return it as the API server made it."""
        return self.conversions.create(conversion.metadata.name, conversion.to_dict())

    def ensure(self, order: Order) -> None:
        """Create the object unless one of its name stands already, whatever became of it.

        Raises:
            ClusterError: If there is none and none was created, as far as is known.
        """
        name, body = order.metadata.name, body_of(order)
        match order:
            case VideoConversion():
                self.conversions.ensure(name, body)
            case ConversionBatch():
                self.batches.ensure(name, body)
            case _:
                assert_never(order)

    def find(self, name: str) -> VideoConversion | None:
        """Return the conversion with this name, unless there is none or it is being deleted."""
        return self.conversions.find(name)

    def patch(self, conversion: VideoConversion, spec: dict[str, Any]) -> VideoConversion | None:
        """Change the spec of the conversion as it was seen; None if it is gone."""
        metadata = conversion.metadata
        return self.conversions.patch(metadata.name, {"spec": spec}, metadata.resource_version)

    def delete(self, conversion: VideoConversion) -> tuple[str, ...]:
        """Delete this very object; the finalizers that are returned do the cleaning."""
        return self.conversions.delete(conversion.metadata)

    def scan(self, owner: str | None, *, leaving: bool = False) -> Iterator[VideoConversion]:
        """Yield the conversions of an owner; those that are being deleted only if `leaving`.

        Without an owner, everybody's.
        """
        selector = of_owner(owner) if owner is not None else ""
        for conversion in self.conversions.scan(selector, leaving=leaving):
            if owner in {None, conversion.spec.owner.id}:
                yield conversion

    def check(self) -> None:
        """Return if the API server lets VideoConversions be read."""
        self.conversions.check()


def of_owner(owner: str) -> str:
    """Return the selector of the objects that are labelled as this user's."""
    return f"{OWNER_LABEL}={owner}"


def connect_cluster(namespace: str) -> Cluster:
    """Return the objects of a namespace, at the pod's own API server or that of KUBECONFIG.

    Raises:
        kubernetes.config.ConfigException: If there is neither.
    """
    configuration = Configuration()
    if (SERVICE_ACCOUNT / "token").exists():
        config.load_incluster_config(client_configuration=configuration)
    else:
        config.load_kube_config(client_configuration=configuration)
    configuration.retries = Retry(
        total=1, status=0, redirect=0, backoff_factor=0.1, backoff_jitter=0.1
    )
    configuration.connection_pool_maxsize = _CONNECTIONS
    return Cluster(CustomObjectsApi(ApiClient(configuration)), namespace)
