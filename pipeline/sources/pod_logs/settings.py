"""What can be set of the pod-log source, with the reason of every default."""

from __future__ import annotations

import msgspec

from pipeline.cluster.settings import ClusterSettings
from pipeline.errors import ConfigurationError


class KubernetesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Clusters whose controllers are read. Durations are seconds of real time."""

    name: str = "kubernetes"
    """Positions are stored under it: whoever changes it begins anew."""
    kubeconfig: str = ""
    """Path of the kubeconfig; several are separated as in PATH. Empty: KUBECONFIG, else ~/.kube/config, else the
    service account of the pod."""
    contexts: tuple[str, ...] = ()
    """Contexts of the kubeconfig, one for each cluster to read; empty: the current one."""
    cluster: str = ""
    """Cluster of the kubeconfig, in the place of the context's. With one context only."""
    user: str = ""
    """User of the kubeconfig, in the place of the context's."""
    impersonate: str = ""
    """Whom to ask as, like `--as`; needs the right to impersonate."""
    service_account: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    """Directory with token, ca.crt and namespace of the pod's service account: used in a pod, where there is no
    kubeconfig. Another one where a projected volume is mounted elsewhere."""
    request_timeout_seconds: float = 30.0
    """How long one request may take; 0: as long as it takes. Those that follow a log may be silent for
    `idle_seconds`."""
    cluster_name: str = ""
    """What incidents call the cluster; empty: as the kubeconfig does. With one context only."""
    namespaces: tuple[str, ...] = ()
    """Where controllers run; empty: in any namespace, which needs the right to list pods in all of them."""
    selector: str = "app.kubernetes.io/name=argo-rollouts"
    """Labels of the controllers' pods, as for `kubectl -l`: those of the installation manifests and the chart."""
    deployments: tuple[str, ...] = ()
    """Deployments of controllers, in the place of `selector`: `namespace/name`, or a name, which is looked for in
    `namespaces`, else in the context's namespace."""
    start: str = "earliest"
    """Where to begin in a log that was never read: earliest or latest. What is stuck now may be so for an hour, and a
    kubelet keeps 10 MiB of a container's log, so: earliest."""
    max_streams: int = 50
    """Logs that are followed at once: each is a thread here, and a connection from the API server to a kubelet."""
    turn_seconds: float = 10.0
    """Where there are more logs than `max_streams`: how long one is followed before one that waits has its turn."""
    find_seconds: float = 5.0
    """How often pods are looked for where they may be listed and not be watched. A crash loop restarts every 10 s at
    the most."""
    idle_seconds: float = 120.0
    """A log that says nothing for this long is asked for anew: a connection may be dead without a sign."""

    pod_logs: bool = True
    """Read controllers' logs by the pod-log API. Off where they come by Kafka, and the objects from the cluster."""
    objects: bool = True
    """Watch the objects that explain why a rollout is stuck, too: rollouts, ReplicaSets, webhooks and what belongs to
    them, in all namespaces. Never Secrets. What may not be read is told and left out."""

    object_namespaces: tuple[str, ...] = ()
    """Where the objects are watched that lie in a namespace; empty: everywhere. With some, Roles there are enough for
    them; what lies in none, as webhook configurations, is still asked for."""
    secrets: tuple[str, ...] = ()
    """Namespaces in which Secrets that hold a webhook's certificate are read, each by its name; `*`: in any. Of a
    Secret only tls.crt and ca.crt are decoded. Empty: none is read."""

    @property
    def label(self) -> str:
        """The source in an error: its name is said where it was chosen."""
        return "kubernetes" if self.name == "kubernetes" else f"kubernetes {self.name}"

    def check(self) -> None:
        """What the settings have to do with each other.

        Raises:
            ConfigurationError: They do not fit.
        """
        if self.start not in ("earliest", "latest"):
            raise ConfigurationError(f"{self.label}: start: expected earliest or latest")
        if any(not each.rpartition("/")[2] or each.count("/") > 1 for each in self.deployments):
            raise ConfigurationError(f"{self.label}: deployments: expected NAME or NAMESPACE/NAME")
        if not self.objects and (self.secrets or self.object_namespaces):
            raise ConfigurationError(f"{self.label}: secrets, object_namespaces: only with objects: true")
        if not self.objects and not self.pod_logs:
            raise ConfigurationError(f"{self.label}: pod_logs, objects: with both off nothing is read")
        if len(self.contexts) > 1 and (self.cluster or self.cluster_name):
            raise ConfigurationError(f"{self.label}: cluster, cluster_name: only with one context")

    def clusters(self) -> tuple[ClusterSettings, ...]:
        """How each cluster is reached."""
        return tuple(
            ClusterSettings(
                kubeconfig=self.kubeconfig,
                context=context,
                cluster=self.cluster,
                user=self.user,
                impersonate=self.impersonate,
                service_account=self.service_account,
                request_timeout_seconds=self.request_timeout_seconds,
            )
            for context in self.contexts or ("",)
        )
