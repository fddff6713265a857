"""Which containers there are, and what the API server says of one."""

from __future__ import annotations

import msgspec

from pipeline.cluster.calls import Call, Cluster
from pipeline.sources.pod_logs.places import Place


class _Owner(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str
    uid: str
    labels: dict[str, str] = {}
    owner_references: tuple[_Owner, ...] = ()


class _ContainerStatus(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    restart_count: int = 0


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    container_statuses: tuple[_ContainerStatus, ...] = ()


class _Container(msgspec.Struct, frozen=True):
    name: str


class _Spec(msgspec.Struct, frozen=True):
    containers: tuple[_Container, ...] = ()


class _Pod(msgspec.Struct, frozen=True):
    metadata: _Meta
    spec: _Spec
    status: _Status = _Status()


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Pods(msgspec.Struct, frozen=True):
    items: tuple[_Pod, ...] = ()
    metadata: _ListMeta = _ListMeta()


class ContainerId(msgspec.Struct, frozen=True, order=True):
    """One container of one pod; the pod's uid tells it from another pod of the same name."""

    cluster: str
    namespace: str
    pod: str
    uid: str
    container: str

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return f"{self.cluster}/{self.namespace}/{self.pod}/{self.uid}/{self.container}"


Restarts = dict[ContainerId, int]
"""How often each container was restarted."""


def container_of(stream: str) -> ContainerId | None:
    """What a stream's name says; None: it is of another kind of source."""
    parts = stream.rsplit("/", 4)
    return ContainerId(*parts) if len(parts) == 5 else None


_list_decoder = msgspec.json.Decoder(_Pods)
_pod_decoder = msgspec.json.Decoder(_Pod)


def find_containers(cluster: Cluster, cluster_name: str, place: Place) -> tuple[Restarts, str]:
    """The containers in a place, and the version from which on to watch it. Raises CallError."""
    call = Call("list", "pods", place.namespace)
    pods = _list_decoder.decode(cluster.get(call, {"labelSelector": place.selector}))
    found: Restarts = {}
    for pod in pods.items:
        found |= _containers_in(pod, cluster_name, place)
    return found, pods.metadata.resource_version


def containers_of_pod(body: bytes, cluster_name: str, place: Place) -> Restarts:
    """The containers of one pod, if it belongs to the place.

    Raises:
        msgspec.DecodeError: It is no pod.
    """
    return _containers_in(_pod_decoder.decode(body), cluster_name, place)


def restarts_of(cluster: Cluster, container: ContainerId) -> int | None:
    """How often it was restarted; None: it is gone. Raises CallError.

    A list, so that the right to list pods is all that is needed.
    """
    call = Call("list", "pods", container.namespace)
    pods = _list_decoder.decode(cluster.get(call, {"fieldSelector": f"metadata.name={container.pod}"}))
    found = {each: n for pod in pods.items for each, n in _containers_of(pod, container.cluster).items()}
    return found.get(container)


def _containers_in(pod: _Pod, cluster_name: str, place: Place) -> Restarts:
    meta = pod.metadata
    owners = tuple(owner.name for owner in meta.owner_references if owner.kind == "ReplicaSet")
    return _containers_of(pod, cluster_name) if place.owns(owners, meta.labels) else {}


def _containers_of(pod: _Pod, cluster_name: str) -> Restarts:
    counts = {status.name: status.restart_count for status in pod.status.container_statuses}
    meta = pod.metadata
    return {
        ContainerId(cluster_name, meta.namespace, meta.name, meta.uid, each.name): counts.get(each.name, 0)
        for each in pod.spec.containers
    }
