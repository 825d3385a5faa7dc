"""The way to the API server."""

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration


async def connect_to_kubernetes() -> ApiClient:
    """Return a client by the pod's service account, or outside of a pod by KUBECONFIG.

    Raises:
        kubernetes.aio.config.ConfigException: If there is neither.
    """
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    return ApiClient(configuration)
