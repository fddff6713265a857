"""Which containers there are, and what the API server says of one."""

from __future__ import annotations

import msgspec

from pipeline.cluster.calls import Call, Cluster


class _Meta(msgspec.Struct, frozen=True):
    name: str
    namespace: str
    uid: str


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


class _Pods(msgspec.Struct, frozen=True):
    items: tuple[_Pod, ...] = ()


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


def container_of(stream: str) -> ContainerId | None:
    """What a stream's name says; None: it is of another kind of source."""
    parts = stream.rsplit("/", 4)
    return ContainerId(*parts) if len(parts) == 5 else None


_decoder = msgspec.json.Decoder(_Pods)


def find_containers(cluster: Cluster, cluster_name: str, namespace: str, selector: str) -> dict[ContainerId, int]:
    """The containers of the pods with these labels, and how often each was restarted. Raises CallError."""
    call = Call("list", "pods", namespace)
    pods = _decoder.decode(cluster.get(call, {"labelSelector": selector}))
    return {each: count for pod in pods.items for each, count in _containers_of(pod, cluster_name).items()}


def restarts_of(cluster: Cluster, container: ContainerId) -> int | None:
    """How often it was restarted; None: it is gone. Raises CallError.

    A list, so that the right to list pods is all that is needed.
    """
    call = Call("list", "pods", container.namespace)
    pods = _decoder.decode(cluster.get(call, {"fieldSelector": f"metadata.name={container.pod}"}))
    found = {each: n for pod in pods.items for each, n in _containers_of(pod, container.cluster).items()}
    return found.get(container)


def _containers_of(pod: _Pod, cluster_name: str) -> dict[ContainerId, int]:
    counts = {status.name: status.restart_count for status in pod.status.container_statuses}
    meta = pod.metadata
    return {
        ContainerId(cluster_name, meta.namespace, meta.name, meta.uid, each.name): counts.get(each.name, 0)
        for each in pod.spec.containers
    }
