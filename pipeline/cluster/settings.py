"""How a cluster is reached, as kubectl's users know it."""

from __future__ import annotations

import msgspec


class ClusterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One cluster. What is empty is as in the kubeconfig, or in the pod that this runs in."""

    kubeconfig: str = ""
    """Path of the kubeconfig; several are separated as in PATH. Empty: KUBECONFIG, else ~/.kube/config, else the
    service account of the pod."""
    context: str = ""
    """Context of the kubeconfig; empty: its current one."""
    cluster: str = ""
    """Cluster of the kubeconfig, in the place of the context's."""
    user: str = ""
    """User of the kubeconfig, in the place of the context's."""
    impersonate: str = ""
    """Whom to ask as, like `--as`; needs the right to impersonate."""
    service_account: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    """Directory with token, ca.crt and namespace of the pod's service account, where there is no kubeconfig."""
    request_timeout_seconds: float = 30.0
    """How long one request may take; 0: as long as it takes, as kubectl has it."""

    @property
    def request_limit_seconds(self) -> float | None:
        """None: no limit."""
        return self.request_timeout_seconds or None
