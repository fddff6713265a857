"""Which containers are found, and what is done where that is not allowed, or breaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from pipeline.cluster.calls import Call, CallError, Cluster, Reason
from pipeline.sources.pod_logs.finding import Finder, begin_finding
from pipeline.sources.pod_logs.places import Place
from pipeline.sources.pod_logs.pods import Containers
from pipeline.sources.pod_logs.settings import KubernetesSettings

LABELS = {"app.kubernetes.io/name": "argo-rollouts"}
PLACE = Place("argo", "app=rollouts")


def pod(name: str, *, namespace: str = "argo", restarts: int = 0, owner: str = "", hash_: str = "") -> dict[str, Any]:
    """As the API has it."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "7"}
    metadata["labels"] = {**LABELS, "pod-template-hash": hash_}
    if owner:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "uid": "u", "controller": True}]
    status = {"containerStatuses": [{"name": "main", "restartCount": restarts}]}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main"}]}, "status": status}


def event(kind: str, value: Mapping[str, Any]) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": kind, "object": value}).encode() + b"\n"


class FakeCluster:
    """A `Cluster`: what it has by namespace, and what its watches say, one list after the other."""

    name, namespace = "test", "team"

    def __init__(self, pods: Mapping[str, list[dict[str, Any]]], watches: list[list[bytes | CallError]] | None = None):
        self.pods = dict(pods)
        self.forbidden: set[str] = set()  # namespaces
        self.may_watch = True
        self.deployments: dict[str, dict[str, Any]] = {}
        self.deployments_now: Callable[[FakeCluster], dict[str, dict[str, Any]]] | None = None
        self.watches = watches or []
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.at_end: Callable[[], None] = lambda: None  # when no watch is left

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        self.calls.append((str(call), dict(query or {})))
        if call.resource == "deployments":
            deployments = self.deployments if self.deployments_now is None else self.deployments_now(self)
            if (found := deployments.get(f"{call.namespace}/{call.name}")) is None:
                raise CallError(self.name, call, Reason.NOT_FOUND, "not found", 404)
            return json.dumps(found).encode()
        if call.namespace in self.forbidden:
            raise CallError(self.name, call, Reason.FORBIDDEN, "pods is forbidden", 403)
        items = self.pods.get(call.namespace, [])
        return json.dumps({"metadata": {"resourceVersion": str(100 + len(self.calls))}, "items": items}).encode()

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> FakeWatch:
        self.calls.append((str(call), dict(query)))
        if not self.may_watch:
            raise CallError(self.name, call, Reason.FORBIDDEN, "cannot watch", 403)
        if not self.watches:
            self.at_end()
            return FakeWatch([])
        return FakeWatch(self.watches.pop(0))

    def close(self) -> None:
        """Nothing is open."""


class FakeWatch:
    """Says some things and ends, or breaks."""

    def __init__(self, said: list[bytes | CallError]) -> None:
        self._said = said

    def __iter__(self) -> Iterator[bytes]:
        for one in self._said:
            if isinstance(one, CallError):
                raise one
            yield one

    def close(self) -> None:
        """Nothing is held."""


class Told:
    """What a finder has told."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gone: list[str] = []

    def found(self, cluster: Cluster, containers: Containers) -> None:
        self.seen += [
            f"{each.namespace}/{each.pod} {state.restarts}" for each, state in sorted(containers.items(), key=str)
        ]

    def changed(self, containers: Containers) -> None:
        self.gone += [each.pod for each in containers]


def _watched(cluster: FakeCluster) -> tuple[Told, list[str]]:
    """What is told until no watch is left; and from which versions was watched."""
    told = Told()
    finder = Finder(cluster, "test", PLACE, told, 0.01)
    finder.list()
    cluster.at_end = finder.close
    thread = threading.Thread(target=finder.run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    return told, [query["resourceVersion"] for call, query in cluster.calls if call.startswith("watch")]


def test_what_comes_later_is_told_by_a_watch() -> None:
    """Pods that come, change and go; nothing is listed twice."""
    lines = [
        event("ADDED", pod("b")),
        event("MODIFIED", pod("a", restarts=1)),
        event("BOOKMARK", {"metadata": {"resourceVersion": "555"}}),
        event("DELETED", pod("b")),
        event("BOOKMARK", {"metadata": {"resourceVersion": "777"}}),
    ]
    cluster = FakeCluster({"argo": [pod("a")]}, [[b"".join(lines)[:70], b"".join(lines)[70:]]])
    told, versions = _watched(cluster)
    assert ["argo/a 0", "argo/b 0", "argo/a 1"] == told.seen
    assert ["b"] == told.gone
    assert ["101", "777"] == versions
    assert 1 == sum(call.startswith("list") for call, _ in cluster.calls)


TOO_OLD = event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
BROKEN = CallError("test", Call("watch", "pods", "argo"), Reason.UNREACHABLE, "connection reset")
EXPIRED = CallError("test", Call("watch", "pods", "argo"), Reason.GONE, "expired", 410)
BUSY = CallError("test", Call("watch", "pods", "argo"), Reason.OVERLOADED, "busy", 429, retry_after_seconds=0.01)


@pytest.mark.parametrize(
    ("ends", "lists"),
    [(TOO_OLD, 2), (EXPIRED, 2), (BROKEN, 1), (BUSY, 1), (b"no json\n", 1)],
    ids=["410 in the watch", "410 at once", "cut", "overloaded", "unreadable"],
)
def test_watch_that_ends_goes_on(ends: bytes | CallError, lists: int) -> None:
    """From the version shown last, or, where that is too old, with all that there is."""
    cluster = FakeCluster({"argo": [pod("a")]}, [[event("ADDED", pod("b")), ends], [event("ADDED", pod("c"))]])
    told, versions = _watched(cluster)
    assert "argo/c 0" in told.seen
    assert lists == sum(call.startswith("list") for call, _ in cluster.calls)
    assert (versions[1] == "7") is (lists == 1)


def test_without_the_right_to_watch_all_are_listed_again() -> None:
    """Every `find_seconds`."""
    cluster, told = FakeCluster({"argo": [pod("a")]}), Told()
    cluster.may_watch = False
    finder = Finder(cluster, "test", PLACE, told, 0.01)
    finder.list()
    thread = threading.Thread(target=finder.run)
    thread.start()
    while sum(call.startswith("list") for call, _ in cluster.calls) < 4 and thread.is_alive():
        cluster.pods["argo"] = [pod("a"), pod("b")]
    finder.close()
    thread.join(30)
    assert "argo/b 0" in told.seen
    assert 1 == sum(call.startswith("watch") for call, _ in cluster.calls)
    (sentence,) = finder.unread
    assert "cannot watch pods in namespace argo" in sentence
    assert "are listed every 0.01 s instead" in sentence


def test_right_to_watch_may_be_given_later() -> None:
    """It is tried again now and then."""
    cluster, told = FakeCluster({"argo": [pod("a")]}, [[event("ADDED", pod("b"))]]), Told()
    cluster.may_watch = False
    finder = Finder(cluster, "test", PLACE, told, 0.001)
    finder.list()
    cluster.at_end = finder.close
    thread = threading.Thread(target=finder.run)
    thread.start()
    while not finder.unread and thread.is_alive():
        pass
    cluster.may_watch = True
    thread.join(30)
    assert not thread.is_alive()
    assert ("argo/b 0", ()) == (told.seen[-1], finder.unread)


def test_right_to_list_that_is_taken_away_is_told() -> None:
    """Pods are asked for again when people may have given it back; it is no other trouble."""
    cluster, told = FakeCluster({"argo": [pod("a")]}), Told()
    cluster.may_watch = False
    finder = Finder(cluster, "test", PLACE, told, 0.001)
    finder.list()
    cluster.forbidden = {"argo"}
    thread = threading.Thread(target=finder.run)
    thread.start()
    while finder.refusal is None and thread.is_alive():
        pass
    finder.close()
    thread.join(30)
    assert not thread.is_alive()
    assert ("pods", "argo", "") == (finder.refusal.resource, finder.refusal.namespace, finder.problem)


def _begun(cluster: FakeCluster, **settings: Any) -> list[str]:
    told = Told()
    begin_finding(KubernetesSettings(**settings), "test", cluster, told)
    return told.seen


def test_pods_of_a_deployment_are_those_of_its_replica_sets() -> None:
    """Its selector may choose others, too."""
    selector = {"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a"]}]}
    cluster = FakeCluster(
        {
            "argo": [
                pod("rollouts-5c7d8-bcdfg", owner="rollouts-5c7d8", hash_="5c7d8"),
                pod("rollouts-6d4f8-bcdfg", owner="rollouts-6d4f8", hash_="6d4f8"),
                pod("rollouts-b-5c7d8-bcdfg", owner="rollouts-b-5c7d8", hash_="5c7d8"),
                pod("bare"),
            ]
        }
    )
    cluster.deployments["argo/rollouts"] = {"spec": {"selector": selector}}
    assert ["argo/rollouts-5c7d8-bcdfg 0", "argo/rollouts-6d4f8-bcdfg 0"] == _begun(
        cluster, deployments=("argo/rollouts",)
    )
    assert {"labelSelector": "app=x,tier in (a)"} == cluster.calls[-1][1]


def _selecting(app: str) -> dict[str, Any]:
    return {"spec": {"selector": {"matchLabels": {"app": app}}}}


def test_deployment_that_is_made_again_may_have_another_selector() -> None:
    """It is asked for again when one of its pods is gone; while it is not there the old selector is in force."""
    gone = event("DELETED", pod("rollouts-a-1", owner="rollouts-a", hash_="a"))
    cluster = FakeCluster({"argo": [pod("rollouts-b-1", owner="rollouts-b", hash_="b")]}, [[gone], [gone], [gone]])
    answers = iter([_selecting("old"), None, _selecting("new"), _selecting("new")])

    def next_answer(_cluster: FakeCluster) -> dict[str, dict[str, Any]]:
        answer = next(answers)
        return {} if answer is None else {"argo/rollouts": answer}

    cluster.deployments_now = next_answer
    (finder,) = begin_finding(KubernetesSettings(deployments=("argo/rollouts",)), "test", cluster, Told())
    cluster.at_end = finder.close
    thread = threading.Thread(target=finder.run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert ["app=old", "app=new"] == [
        query["labelSelector"] for call, query in cluster.calls if call.startswith("list")
    ]
    watched = [query["labelSelector"] for call, query in cluster.calls if call.startswith("watch")]
    assert ["app=old", "app=old", "app=new", "app=new"] == watched


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"deployments": ("rollouts",)}, ["team"]),
        ({"deployments": ("rollouts",), "namespaces": ("a", "b")}, ["a", "b"]),
        ({"deployments": ("argo/rollouts",), "namespaces": ("a",)}, ["argo"]),
    ],
)
def test_deployment_is_looked_for_as_kubectl_does(settings: dict[str, Any], asked: list[str]) -> None:
    """In the namespace that its name says, else in those configured, else in the context's."""
    cluster = FakeCluster({})
    for namespace in asked:
        cluster.deployments[f"{namespace}/rollouts"] = {"spec": {"selector": {"matchLabels": {"app": "x"}}}}
    _begun(cluster, **settings)
    assert asked == [call.rpartition(" ")[2] for call, _ in cluster.calls if call.startswith("get")]


def test_deployment_that_is_missing_is_named() -> None:
    """With the call."""
    with pytest.raises(CallError, match=r"cannot get deployments\.apps rollouts in namespace argo: not found"):
        _begun(FakeCluster({}), deployments=("argo/rollouts",))


def test_without_the_right_to_all_namespaces_some_are_tried() -> None:
    """The context's own, and where controllers are as a rule; it is told once, with the rule."""
    cluster = FakeCluster({"argo-rollouts": [pod("a", namespace="argo-rollouts")]})
    cluster.forbidden = {"", "team"}
    told = Told()
    (finder,) = begin_finding(KubernetesSettings(), "test", cluster, told)
    assert ["argo-rollouts/a 0"] == told.seen
    (sentence,) = finder.unread
    assert "a ClusterRole with the rule" in sentence
    assert "are looked for in argo-rollouts only" in sentence


def test_without_any_right_it_is_said_what_is_missing() -> None:
    """In all namespaces."""
    cluster = FakeCluster({})
    cluster.forbidden = {"", "team", "argo-rollouts"}
    with pytest.raises(CallError, match="cannot list pods in all namespaces"):
        _begun(cluster)


def test_namespaces_that_were_named_are_looked_into_and_no_others() -> None:
    """A missing right there is an error."""
    cluster = FakeCluster({})
    cluster.forbidden = {"team"}
    with pytest.raises(CallError, match="cannot list pods in namespace team"):
        _begun(cluster, namespaces=("team",))
