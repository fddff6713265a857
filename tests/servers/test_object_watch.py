"""Objects of a real API server: listed, watched, over its death, and with rights that are missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.sources.objects.cluster_api import ClusterObjectApi
from pipeline.sources.objects.kinds import KINDS, WatchedKind
from pipeline.sources.objects.source import ObjectSource
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.rollout_kind import install_rollouts

pytestmark = pytest.mark.servers

SECONDS = 240.0
ROLLOUT_PATH = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/api"
ROLLOUT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "api", "namespace": "shop"},
    "spec": {"replicas": 3, "strategy": {"canary": {}}},
}


def _replica_set(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": "app"}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _path(name: str) -> str:
    return f"/apis/apps/v1/namespaces/shop/replicasets/{name}"


class _Watched:
    """What a source has handed out."""

    def __init__(self, source: ObjectSource) -> None:
        self.source = source
        self.events: list[ObjectEvent] = []

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < deadline, (self.source.status(), self.events[-5:])
            fetched = self.source.read(0.1)
            self.events += fetched.objects if fetched is not None else ()

    def seen(self, kind: str, name: str) -> list[ObjectSeen]:
        return [
            event
            for event in self.events
            if isinstance(event, ObjectSeen) and (event.facts.ref.kind, event.facts.ref.name) == (kind, name)
        ]


@contextmanager
def _watching(kubeconfig: Path) -> Iterator[_Watched]:
    cluster = Connection(ClusterSettings(kubeconfig=str(kubeconfig)))
    with closing(ObjectSource("objects", ClusterObjectApi(cluster), cluster.name)) as source:
        source.start({})
        watched = _Watched(source)
        watched.until(lambda: source.status().is_caught_up)
        yield watched


def test_changes_come_and_what_went_during_an_outage_is_missed(make_cluster: MakeCluster) -> None:
    """The API server is killed while a ReplicaSet is watched; a kind is installed meanwhile."""
    cluster = make_cluster()
    cluster.add_namespace("shop")
    cluster.apply(_path("a"), _replica_set("a", 3))
    cluster.apply(_path("b"), _replica_set("b", 1))
    with _watching(cluster.kubeconfig()) as watched:
        assert watched.seen("ReplicaSet", "a")

        cluster.apply(_path("a"), _replica_set("a", 5))
        watched.until(lambda: len(watched.seen("ReplicaSet", "a")) > 1)
        facts = watched.seen("ReplicaSet", "a")[-1].facts
        assert isinstance(facts, ReplicaSetFacts)
        assert 5 == facts.desired

        cluster.kill_apiserver()
        cluster.start()
        cluster.call("DELETE", _path("b"))
        install_rollouts(cluster)
        watched.until(lambda: any(one.is_deleted for one in watched.seen("ReplicaSet", "b")) or _is_missing(watched))
        watched.until(lambda: bool(watched.seen("CustomResourceDefinition", "rollouts.argoproj.io")))

        cluster.apply(ROLLOUT_PATH, ROLLOUT)
        watched.until(lambda: bool(watched.seen("Rollout", "api")))


def _is_missing(watched: _Watched) -> bool:
    listed = [event for event in watched.events if isinstance(event, ObjectsListed) and event.kind == "ReplicaSet"]
    return "b" not in {ref.name for ref in listed[-1].refs}


def _rules(without: WatchedKind | None) -> list[dict[str, Any]]:
    return [
        {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": ["list", "watch"]}
        for kind in KINDS
        if without is None or kind.resource != without.resource
    ]


@pytest.mark.parametrize(
    "without",
    [None, *{kind.resource: kind for kind in KINDS}.values()],
    ids=lambda kind: kind.plural if kind is not None else "all",
)
def test_one_right_that_is_missing_is_told_and_stops_nothing(cluster: KubeCluster, without: WatchedKind | None) -> None:
    """Service accounts with exactly the rights that are documented, but one."""
    name = without.plural if without is not None else "all"
    token = cluster.add_account("default", f"reads-{name}", _rules(without))
    expected = {without.kind} if without is not None else set()
    with _watching(cluster.kubeconfig(token, name=f"reads-{name}")) as watched:
        unread = {event.kind for event in watched.events if isinstance(event, ObjectsUnread)}
        listed = {event.kind for event in watched.events if isinstance(event, ObjectsListed)}

    assert expected == unread
    assert {kind.kind for kind in KINDS} - expected == listed
