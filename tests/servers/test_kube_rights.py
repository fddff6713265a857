"""The RBAC manifests of deploy/rbac as they are, against a real API server: nothing is missing with them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.cluster.connection import KubeCluster as Connection
from pipeline.cluster.settings import ClusterSettings
from pipeline.sources.objects.cluster_api import ClusterObjectApi
from pipeline.sources.objects.kinds import KINDS
from pipeline.sources.objects.source import ObjectSource
from tests.deploy.test_rbac import documents, rules_in
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import CONTAINER, add_pod
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet, nano
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

SECONDS = 240.0
PATHS = {
    "Namespace": "/api/v1",
    "ServiceAccount": "/api/v1",
    **dict.fromkeys(("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"), "/apis/rbac.authorization.k8s.io/v1"),
}
NAMESPACES = ("argo-rollouts", "shop", "tools")
LOG = Call("get", "pods/log", "argo-rollouts", "controller-0")


def _path(kind: str, name: str, namespace: str = "") -> str:
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{PATHS[kind]}{place}/{kind.lower()}s/{name}"


def _apply(cluster: KubeCluster, manifest: str) -> Connection:
    """Apply a manifest; a connection as the service account in it."""
    for name in NAMESPACES:
        cluster.add_namespace(name)
    for one in documents(manifest):
        cluster.apply(_path(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace", "")), one)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = _path("ServiceAccount", "whystuck", "whystuck")
    token: str = cluster.call("POST", f"{path}/token", asked)["status"]["token"]
    for one in documents(manifest):
        if "rules" in one:
            place = one["metadata"].get("namespace", "default")
            cluster.until_allowed("system:serviceaccount:whystuck:whystuck", one["rules"], place)
    return Connection(ClusterSettings(kubeconfig=str(cluster.kubeconfig(token, name=Path(manifest).stem))))


@contextmanager
def _watched(connection: Connection, namespaces: Sequence[str] = ()) -> Iterator[ObjectSource]:
    """A source that has listed everything that it may."""
    with closing(ObjectSource("objects", ClusterObjectApi(connection), "test", namespaces=namespaces)) as source:
        source.start({})
        deadline = time.monotonic() + SECONDS
        while not source.status().is_caught_up:
            assert time.monotonic() < deadline, source.status()
            source.read(0.1)
        yield source


def _reason(connection: Connection, call: Call) -> Reason | None:
    try:
        connection.get(call)
    except CallError as error:
        return error.reason
    return None


def test_rights_in_namespaces_are_enough_for_what_lies_in_them(make_cluster: MakeCluster) -> None:
    """With a ClusterRole for the rest; without it, each kind that cannot be read is told once, and the others go on."""
    cluster = make_cluster()
    connection = _apply(cluster, "namespaces.yaml")
    with _watched(connection, NAMESPACES) as source:
        assert ((), "") == (source.status().unread, source.status().problem)
    assert _reason(connection, Call("list", "pods", "argo-rollouts")) is None
    assert Reason.NOT_FOUND is _reason(connection, LOG)  # there is none: that is not refused

    assert Reason.FORBIDDEN is _reason(connection, Call("list", "pods"))
    cluster.call("DELETE", _path("ClusterRoleBinding", "whystuck-asked"))
    connection = _apply_again(cluster)
    with _watched(connection, NAMESPACES) as source:
        refused = [one.partition(" may not")[0] for one in source.status().unread]
    assert sorted(kind.resource for kind in KINDS if not kind.is_namespaced) == sorted(refused)


def _apply_again(cluster: KubeCluster) -> Connection:
    """Another connection, as soon as the API server knows that the binding is gone."""
    connection = Connection(ClusterSettings(kubeconfig=str(cluster.directory / "namespaces.kubeconfig")))
    deadline = time.monotonic() + SECONDS
    while _reason(connection, Call("list", "namespaces")) is not Reason.FORBIDDEN:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return connection


def test_rights_of_a_cluster_are_enough(make_cluster: MakeCluster) -> None:
    """In all namespaces; and for Secrets nothing, until secrets.yaml gives the right to one of them, and no other."""
    cluster = make_cluster()
    connection = _apply(cluster, "cluster.yaml")
    with _watched(connection) as source:
        assert ((), "") == (source.status().unread, source.status().problem)
    assert _reason(connection, Call("list", "pods")) is None
    assert Reason.NOT_FOUND is _reason(connection, LOG)
    assert Reason.FORBIDDEN is _reason(connection, Call("list", "secrets"))
    assert Reason.FORBIDDEN is _reason(connection, Call("get", "secrets", "tools", "guard-tls"))

    connection = _apply(cluster, "secrets.yaml")
    assert Reason.NOT_FOUND is _reason(connection, Call("get", "secrets", "tools", "guard-tls"))
    assert Reason.FORBIDDEN is _reason(connection, Call("get", "secrets", "tools", "other"))
    assert Reason.FORBIDDEN is _reason(connection, Call("list", "secrets", "tools"))


def test_daemon_tells_each_missing_right_in_one_line(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """And is ready: it works without them. Its calls are counted."""
    add_pod(cluster, kubelet, "rights", "controller-0")
    lacking = ("leases", "events")
    rules = [rule for rule in rules_in("cluster.yaml") if not set(lacking) & set(rule["resources"])]
    kubeconfig = cluster.kubeconfig(cluster.add_account("rights", "reader", rules), name="rights")
    settings = {"store": {"url": f"sqlite:///{tmp_path}/whystuck.db"}}
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(kubeconfig), "-n", "rights")
        daemon.until_ready()
        warning = "warn: kubernetes-objects: "
        daemon.until(lambda: daemon.ask("/readyz?verbose")[1].count(warning) >= len(lacking), "the rights are told")
        daemon.until_ready()  # one source may be listed before the other one is connected
        status, text = daemon.ask("/readyz?verbose")
        leases = {"verb": "list", "resource": "leases"}
        daemon.until(lambda: daemon.metric("whystuck_api_calls_total", **leases, code="4xx") >= 1, "it is counted")
        assert 0 == daemon.metric("whystuck_api_calls_total", **leases, code="2xx")
        told = [line for line in daemon.printed().splitlines() if "source.right_missing" in line]

    assert 200 == status
    assert len(lacking) == len(told) == text.count(warning)
    for name, group in (("events", ""), ("leases", "coordination.k8s.io")):
        rule = f'{{apiGroups: ["{group}"], resources: ["{name}"], verbs: ["list", "watch"]}}'
        assert rule in text


def test_logs_that_may_not_be_read_are_told_once(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """In one line for all of a namespace, and it is ready; when the right is given they are read."""
    pods = ("controller-0", "controller-1")
    for pod in pods:
        add_pod(cluster, kubelet, "logless", pod)
        kubelet.log("logless", pod, CONTAINER).write(b'level=info msg="Controller is running."', nano(time.time()))
    rules = rules_in("cluster.yaml")
    lacking = [rule for rule in rules if "pods/log" not in rule["resources"]]
    kubeconfig = cluster.kubeconfig(cluster.add_account("logless", "reader", lacking), name="logless")
    settings = {"store": {"url": f"sqlite:///{tmp_path}/whystuck.db"}, "kubernetes": {"objects": False}}
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(kubeconfig), "-n", "logless")
        daemon.until_ready()
        daemon.until(lambda: "warn: kubernetes: " in daemon.ask("/readyz?verbose")[1], "the right is told")
        daemon.until_ready()
        status, text = daemon.ask("/readyz?verbose")
        cluster.add_account("logless", "reader", rules)

        def is_given() -> bool:
            for pod in pods:  # whoever is asked to look need not wait until it looks by itself
                running = {"startedAt": nano(time.time())[:19] + "Z"}
                state = {"name": CONTAINER, "image": "x", "imageID": "", "ready": True, "restartCount": 0}
                state |= {"containerID": "test://0", "state": {"running": running}}
                path = f"/api/v1/namespaces/logless/pods/{pod}"
                cluster.set_status(path, {"phase": "Running", "containerStatuses": [state]})
            return "source.right_given" in daemon.printed()

        daemon.until(is_given, "the right is given")
        daemon.until(lambda: daemon.metric("whystuck_lines_total") >= 2, "the lines are read")
        printed = daemon.printed()
    rule = '{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}'
    assert 200 == status
    assert f"pods/log may not be read in namespace logless; a Role there with the rule {rule} would allow it" in text
    assert 1 == printed.count("source.right_missing")
    assert "source.problem" not in printed
