"""Which containers there are, and what the API server says of one."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

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
    resource_version: str = ""
    labels: dict[str, str] = {}
    owner_references: tuple[_Owner, ...] = ()


class _Run(msgspec.Struct, frozen=True, rename="camel"):
    started_at: str | None = None
    finished_at: str | None = None
    container_id: str = msgspec.field(name="containerID", default="")


class _State(msgspec.Struct, frozen=True):
    running: _Run | None = None
    terminated: _Run | None = None


class _ContainerStatus(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    restart_count: int = 0
    container_id: str = msgspec.field(name="containerID", default="")
    state: _State = _State()
    last_state: _State = _State()


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


class RunState(msgspec.Struct, frozen=True):
    """What a pod's status says of the runs of one container: later than the logs, never ahead of them.

    Times are those of the node, in whole seconds, as the API has them.
    """

    restarts: int = 0
    run: str = ""  # id of the newest run that has begun; empty: none that the status knows of
    started_at: datetime | None = None  # of that run
    finished_at: datetime | None = None  # None: it goes on
    previous_started_at: datetime | None = None  # of the run whose log is `previous`
    version: int = 0  # of the pod: a later one has a greater one; 0: not known

    @property
    def is_finished(self) -> bool:
        """Whether nothing can come of the newest run any more."""
        return bool(self.run) and self.finished_at is not None

    def is_of_run(self, other: RunState) -> bool:
        """Whether both are about the same run."""
        return (self.run, self.restarts) == (other.run, other.restarts)

    def is_older_than(self, other: RunState) -> bool:
        """Whether the other one was written later; the count of restarts falls where a kubelet has forgotten some."""
        if self.version and other.version:
            return self.version < other.version
        return (self.restarts, self.is_finished) < (other.restarts, other.is_finished)


Containers = dict[ContainerId, RunState]
"""Containers, and how each of them is doing."""


def container_of(stream: str) -> ContainerId | None:
    """What a stream's name says; None: it is of another kind of source."""
    parts = stream.rsplit("/", 4)
    return ContainerId(*parts) if len(parts) == 5 else None


_list_decoder = msgspec.json.Decoder(_Pods)
_pod_decoder = msgspec.json.Decoder(_Pod)


def find_containers(cluster: Cluster, cluster_name: str, place: Place) -> tuple[Containers, str]:
    """The containers in a place, and the version from which on to watch it. Raises CallError."""
    call = Call("list", "pods", place.namespace)
    pods = _list_decoder.decode(cluster.get(call, {"labelSelector": place.selector}))
    found: Containers = {}
    for pod in pods.items:
        found |= _containers_in(pod, cluster_name, place)
    return found, pods.metadata.resource_version


def containers_of_pod(body: bytes, cluster_name: str, place: Place) -> Containers:
    """The containers of one pod, if it belongs to the place.

    Raises:
        msgspec.DecodeError: It is no pod.
    """
    return _containers_in(_pod_decoder.decode(body), cluster_name, place)


def state_of(cluster: Cluster, container: ContainerId) -> RunState | None:
    """How it is doing; None: it is gone. Raises CallError.

    A list, so that the right to list pods is all that is needed.
    """
    call = Call("list", "pods", container.namespace)
    pods = _list_decoder.decode(cluster.get(call, {"fieldSelector": f"metadata.name={container.pod}"}))
    found = {each: state for pod in pods.items for each, state in _containers_of(pod, container.cluster).items()}
    return found.get(container)


def _containers_in(pod: _Pod, cluster_name: str, place: Place) -> Containers:
    meta = pod.metadata
    owners = tuple(owner.name for owner in meta.owner_references if owner.kind == "ReplicaSet")
    return _containers_of(pod, cluster_name) if place.owns(owners, meta.labels) else {}


def _containers_of(pod: _Pod, cluster_name: str) -> Containers:
    meta = pod.metadata
    version = int(meta.resource_version) if meta.resource_version.isdecimal() else 0
    states = {status.name: _state_of(status, version) for status in pod.status.container_statuses}
    return {
        ContainerId(cluster_name, meta.namespace, meta.name, meta.uid, each.name): states.get(each.name, RunState())
        for each in pod.spec.containers
    }


def _state_of(status: _ContainerStatus, version: int) -> RunState:
    """The kubelet takes the logs of the same runs: of one that waits to be restarted that of the run before is both."""
    before = status.last_state.terminated or _Run()
    if (running := status.state.running) is not None:
        newest = msgspec.structs.replace(running, container_id=status.container_id)
    elif (ended := status.state.terminated) is not None and ended.container_id:
        newest = ended
    else:
        newest = before
    return RunState(
        status.restart_count,
        newest.container_id,
        moment_of(newest.started_at),
        moment_of(newest.finished_at),
        moment_of(before.started_at),
        version,
    )


def moment_of(text: str | None) -> datetime | None:
    """A time as the API or a runtime writes it, with the offset of its zone; None: it is none."""
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat(text or "")
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return None
