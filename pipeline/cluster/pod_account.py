"""The service account of the pod that this runs in -> settings of the kubernetes client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cluster.kubeconfig import Place
from pipeline.cluster.safe_text import safe_text
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.client import Configuration

IN_CLUSTER = "in-cluster"
"""What such a cluster is called: nothing in a pod says its name."""


def is_pod() -> bool:
    """Whether this runs in a pod: a kubelet says where the API server is."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def load_service_account(directory: str, configuration: Configuration) -> Place:
    """Prepare the client; the token is read again from its file every minute, as kubelets replace it.

    Args:
        directory: that holds token, ca.crt and namespace.
        configuration: of the client.

    Raises:
        ConfigurationError: A file is missing or empty.
    """
    from kubernetes.config import incluster_config

    library: Any = incluster_config  # it has no types
    files = Path(directory)
    loader = library.InClusterConfigLoader(
        token_filename=str(files / "token"), cert_filename=str(files / "ca.crt"), try_refresh_token=True
    )
    try:
        loader.load_and_set(configuration)
        namespace = (files / "namespace").read_text(encoding="utf-8").strip() if (files / "namespace").exists() else ""
    except (library.ConfigException, OSError, ValueError) as error:
        raise ConfigurationError(f"service account in {directory}: {safe_text(error)}") from None
    return Place(IN_CLUSTER, namespace or "default")
