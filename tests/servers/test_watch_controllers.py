"""Which controllers the daemon follows in real clusters, and what it makes of who leads."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_controllers import CONTAINER, LABELS, add_pod, print_lines
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.playing import lines_of_log
from tests.servers.stored import Stored
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers

LIST_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
READ_LOGS = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}
GET_DEPLOYMENTS = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
RBAC = "rbac.authorization.k8s.io"
LINE = b'time="2026-01-01T00:00:00Z" level=info msg="Started syncing rollout" namespace=shop rollout=web'
LEADER, STANDBY = "argo-rollouts-6d4f8c7b5-bcdfg", "argo-rollouts-6d4f8c7b5-hjklm"
UUID = "29bc276e-24cf-49d3-ba18-30705b5ef3d7"


def _add_deployment(cluster: KubeCluster, namespace: str, name: str) -> None:
    """Several have the same labels."""
    cluster.add_namespace(namespace)
    container = {"name": "argo-rollouts", "image": "x"}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": LABELS}, "template": template}
    metadata = {"name": name, "namespace": namespace}
    value = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    cluster.apply(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}", value)


def _add_owned_pod(cluster: KubeCluster, kubelet: Kubelet, namespace: str, deployment: str) -> str:
    """A pod as the ReplicaSet of a Deployment makes it; its name."""
    name, code = f"{deployment}-6d4f8c7b5-bcdfg", "6d4f8c7b5"
    add_pod(cluster, kubelet, namespace, name)
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{deployment}-{code}",
        "uid": "1",
        "controller": True,
    }
    labels = {**LABELS, "pod-template-hash": code}
    change = {"metadata": {"ownerReferences": [owner], "labels": labels}}
    cluster.call("PATCH", f"/api/v1/namespaces/{namespace}/pods/{name}", change, "application/merge-patch+json")
    print_lines(kubelet, namespace, name, [LINE])
    return name


def _bind(cluster: KubeCluster, account: str, namespace: str, rules: list[Mapping[str, Any]]) -> None:
    """Rights of a service account `namespace/name` in one namespace only."""
    home, _, name = account.partition("/")
    path = f"/apis/{RBAC}/v1/namespaces/{namespace}"
    metadata = {"name": name, "namespace": namespace}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    cluster.apply(f"{path}/roles/{name}", role)
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": home}],
    }
    cluster.apply(f"{path}/rolebindings/{name}", binding)
    cluster.until_allowed(f"system:serviceaccount:{home}:{name}", rules, namespace)


def _pods_read(store: Path) -> set[str]:
    """Cluster and pod of every log of which a place is stored."""
    streams = Stored(f"sqlite:///{store}").streams()
    return {f"{cluster}/{pod}" for cluster, _, pod, _, _ in (stream.rsplit("/", 4) for stream in streams)}


def _run_once(folder: Path, *arguments: str, settings: Mapping[str, Any] | None = None, kubeconfig: str = "") -> str:
    """Read what is there and end; what was printed."""
    url = f"sqlite:///{folder}/whystuck.db"
    with closing(Watching(folder, {"store": {"url": url}, **(settings or {})})) as daemon:
        daemon.start("--once", "--from", "kubernetes", *arguments, environment={"KUBECONFIG": kubeconfig})
        daemon.wait()
        return daemon.printed()


def test_pods_of_one_deployment(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """Of two whose labels are the same; without the right to read it one line says what is missing."""
    for name in ("argo-rollouts", "other"):
        _add_deployment(cluster, "two", name)
        _add_owned_pod(cluster, kubelet, "two", name)
    right = str(cluster.kubeconfig(cluster.add_account("two", "deployer", [LIST_PODS, READ_LOGS]), name="deployer"))
    flags = ("--deployment", "two/argo-rollouts")
    printed = _run_once(tmp_path, *flags, settings={"kubernetes": {"objects": False}}, kubeconfig=right)
    assert "cannot get deployments.apps argo-rollouts in namespace two" in printed
    assert 'rule {apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"]} would allow it' in printed
    cluster.add_account("two", "deployer", [LIST_PODS, READ_LOGS, GET_DEPLOYMENTS])
    _run_once(tmp_path, *flags, settings={"kubernetes": {"objects": False}}, kubeconfig=right)
    assert {"deployer/argo-rollouts-6d4f8c7b5-bcdfg"} == _pods_read(tmp_path / "whystuck.db")


def test_rights_in_one_namespace_are_enough_for_it(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """Where controllers are as a rule; it is told once which right would show more."""
    for namespace in ("argo-rollouts", "elsewhere"):
        add_pod(cluster, kubelet, namespace, f"controller-{namespace}-0")
        print_lines(kubelet, namespace, f"controller-{namespace}-0", [LINE])
    kubeconfig = cluster.kubeconfig(cluster.add_account("argo-rollouts", "narrow", []), name="narrow")
    _bind(cluster, "argo-rollouts/narrow", "argo-rollouts", [LIST_PODS, READ_LOGS])
    printed = _run_once(tmp_path, settings={"kubernetes": {"objects": False}}, kubeconfig=str(kubeconfig))
    assert {"narrow/controller-argo-rollouts-0"} == _pods_read(tmp_path / "whystuck.db")
    assert 1 == printed.count("source.right_missing")
    assert "controllers are looked for in argo-rollouts only" in printed


def _merged(one: Path, other: Path) -> str:
    """Both in one file."""
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (one, other))
    for name in ("clusters", "users", "contexts"):
        first[name] += second[name]
    path = one.with_name("merged.kubeconfig")
    path.write_text(json.dumps(first), encoding="utf-8")
    return str(path)


def test_several_clusters_in_one_daemon(
    cluster: KubeCluster, kubelet: Kubelet, make_cluster: MakeCluster, tmp_path: Path
) -> None:
    """Two contexts of one kubeconfig; the same in a KUBECONFIG of two files."""
    second = make_cluster()
    with closing(Kubelet(*second.authority.issue("kubelet"))) as other_kubelet:
        for each, its_kubelet, pod in ((cluster, kubelet, "controller-0"), (second, other_kubelet, "controller-1")):
            add_pod(each, its_kubelet, "many", pod)
            print_lines(its_kubelet, "many", pod, [LINE])
        files = cluster.kubeconfig(name="one"), second.kubeconfig(name="two")
        for number, kubeconfig in enumerate((_merged(*files), ":".join(map(str, files)))):
            folder = tmp_path / str(number)
            settings = {"kubernetes": {"objects": False, "namespaces": ["many"]}}
            _run_once(folder, "--context", "one,two", settings=settings, kubeconfig=kubeconfig)
            assert {"one/controller-0", "two/controller-1"} == _pods_read(folder / "whystuck.db")
    second.stop()


def test_from_the_end(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """What was printed before is not read; what comes is."""
    add_pod(cluster, kubelet, "latest", "controller-0")
    print_lines(kubelet, "latest", "controller-0", lines_of_log("seed-emissary-expired"))
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {
        "store": {"url": stored.url},
        "kubernetes": {"start": "latest", "namespaces": ["latest"], "objects": False},
    }
    with closing(Watching(tmp_path, settings)) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()))
        daemon.until_ready()
        daemon.until(lambda: "read" in _lags(daemon), "at the end")
        print_lines(kubelet, "latest", "controller-0", [LINE])
        daemon.until(lambda: daemon.metric("whystuck_lines_total") == 1, "the new line is read, and no other")
        daemon.terminate()
    assert [] == stored.incidents()


def _lags(daemon: Watching) -> str:
    """`read`: nothing is left to read."""
    _, text = daemon.ask("/metrics")
    return "read" if "whystuck_lag_records{" in text else ""


def _take_lease(cluster: KubeCluster, namespace: str, pod: str) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    metadata = {"name": "argo-rollouts-controller-lock", "namespace": namespace}
    spec = {"holderIdentity": f"{pod}_{UUID}", "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now}
    value = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    cluster.apply(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{metadata['name']}", value)


def test_standby_does_not_hide_a_leader_that_is_silent(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """It goes on printing lines. When it leads, and works, the silence is over."""
    for pod in (LEADER, STANDBY):
        add_pod(cluster, kubelet, "leases", pod)
    _take_lease(cluster, "leases", LEADER)
    lines = lines_of_log("healthy-canary")
    print_lines(kubelet, "leases", LEADER, lines[:1000])
    print_lines(kubelet, "leases", STANDBY, lines[:9])
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {
        "store": {"url": stored.url},
        "kubernetes": {"namespaces": ["leases"]},
        "watch": {"silence_seconds": 3, "idle_seconds": 0.1, "notify_max_age_seconds": "3650d"},
    }

    def chat() -> bool:
        print_lines(kubelet, "leases", STANDBY, [b'time="2026-01-01T00:00:00Z" level=info msg="still waiting"'])
        time.sleep(0.3)
        return True

    def is_leader(pod: str) -> bool:
        return daemon.metric("whystuck_controller_leader_info", namespace="leases", pod=pod) == 1

    def silences() -> list[dict[str, Any]]:
        return [one for one in stored.incidents() if (one["kind"], one["status"]) == ("source_silent", "open")]

    with closing(Watching(tmp_path, settings)) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()))
        daemon.until(lambda: chat() and is_leader(LEADER), "the leader is known")
        daemon.until(lambda: chat() and silences(), "silence of the leader")
        (incident,) = silences()
        assert (LEADER, LEADER) == (incident["controller"]["leader"], incident["victims"][0]["name"])
        assert "they stand by" in incident["summary"]
        _take_lease(cluster, "leases", STANDBY)
        daemon.until(lambda: is_leader(STANDBY), "the new leader is known")
        print_lines(kubelet, "leases", STANDBY, lines[1000:1100])
        daemon.until(lambda: "heard_again" in [row.reason for row in stored.transitions()], "end of the silence")


def test_container_restarts_and_pod_is_replaced(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """What the run before said last is read, and so is the new pod. Many lines are of one second, some of them equal.

    The pod went before its log could be asked for once more, which alone may be a gap.
    """
    add_pod(cluster, kubelet, "replaced", "controller-0")
    lines = lines_of_log("seed-emissary-expired")
    print_lines(kubelet, "replaced", "controller-0", lines[:300])
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {"store": {"url": stored.url}, "kubernetes": {"namespaces": ["replaced"], "objects": False}}
    path = "/api/v1/namespaces/replaced/pods/controller-0"
    with closing(Watching(tmp_path, settings)) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()))
        daemon.until(lambda: daemon.metric("whystuck_lines_total") >= 300, "the first lines are read")
        print_lines(kubelet, "replaced", "controller-0", lines[300:400])
        kubelet.restart("replaced", "controller-0", CONTAINER)
        status = {"name": CONTAINER, "image": "x", "imageID": "", "ready": True, "restartCount": 1}
        cluster.set_status(path, {"containerStatuses": [status]})
        print_lines(kubelet, "replaced", "controller-0", lines[400:500])
        daemon.until(lambda: daemon.metric("whystuck_lines_total") >= 500, "the second run is read")
        cluster.call("DELETE", path, {"gracePeriodSeconds": 0})
        kubelet.log("replaced", "controller-0", CONTAINER).end()
        del kubelet.logs["replaced", "controller-0", CONTAINER]
        add_pod(cluster, kubelet, "replaced", "controller-0")
        print_lines(kubelet, "replaced", "controller-0", lines[500:600])
        daemon.until(lambda: daemon.metric("whystuck_lines_total") >= 600, "the new pod is read")
        daemon.terminate()
    assert {row.reason for row in stored.gaps()} <= {"pod_deleted"}
    assert 2 == len(stored.streams())


def test_pod_that_ends_before_it_is_removed_is_no_gap(cluster: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """As a kubelet does it: its status says that the container has ended, and its log is served until it is removed."""
    add_pod(cluster, kubelet, "ended", "controller-0")
    lines = lines_of_log("seed-emissary-expired")
    print_lines(kubelet, "ended", "controller-0", lines[:300])
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {"store": {"url": stored.url}, "kubernetes": {"namespaces": ["ended"], "objects": False}}
    path = "/api/v1/namespaces/ended/pods/controller-0"
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T01:00:00Z"}
    ended = {"containerID": "test://0", "exitCode": 0, **times}
    status = {"name": CONTAINER, "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    with closing(Watching(tmp_path, settings)) as daemon:
        daemon.start("--from", "kubernetes", "--kubeconfig", str(cluster.kubeconfig()))
        daemon.until(lambda: daemon.metric("whystuck_lines_total") >= 300, "the first lines are read")
        print_lines(kubelet, "ended", "controller-0", lines[300:320])
        kubelet.log("ended", "controller-0", CONTAINER).end()
        cluster.set_status(path, {"containerStatuses": [{**status, "state": {"terminated": ended}}]})
        before = _followed_count(kubelet, "ended")
        # The first of them may have been on its way before the status; when the third comes the second is over.
        daemon.until(lambda: _followed_count(kubelet, "ended") >= before + 3, "its log was asked for after its end")
        cluster.call("DELETE", path, {"gracePeriodSeconds": 0})
        daemon.until(stored.ended_streams, "the stream is over")
        daemon.until_metric(320, "whystuck_lines_total")
        daemon.terminate()
    assert [] == stored.gaps()


def _followed_count(kubelet: Kubelet, namespace: str) -> int:
    return sum(f"/{namespace}/" in one and "follow=true" in one for one in list(kubelet.requests))
