"""The real controllers on a cluster of the tests: kube-controller-manager, Argo Rollouts, and something like a kubelet.

What a controller prints is at the same time the log of a pod, which a kubelet end-point of the test serves.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.servers.kube_binaries import find_manifests, find_program
from tests.servers.kube_cluster import KubeCluster, RefusedError
from tests.servers.kube_controllers import CONTAINER, add_pod
from tests.servers.kubelet import Kubelet, nano
from tests.servers.ports import free_ports
from tests.servers.processes import start_tied

NODE = "workers"
"""Where Rollouts put their pods: there is no scheduler."""
STOP_SECONDS = 30.0
SERVED_SECONDS = 60.0
MANAGER, ROLLOUTS = "kube-controller-manager", "rollouts-controller"
_PRINTED = f"{ROLLOUTS}.log"
NAMESPACE, POD = "argo-rollouts", "argo-rollouts-7c9d5f6b8-h4x2m"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_KCM_CONTROLLERS = (
    "replicaset,deployment,garbagecollector,namespace,serviceaccount,serviceaccount-token,root-ca-cert-publisher,"
    "resourcequota,horizontalpodautoscaling,endpoint,endpointslice,disruption"
)


class Controllers:
    """Everything that runs on a cluster; ended by `close`."""

    def __init__(self, cluster: KubeCluster, kubelet: Kubelet, version: str) -> None:
        self._cluster = cluster
        self._kubelet = kubelet
        self._version = version
        self._closing = threading.Event()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._kubeconfig = Path()
        self.holds_pods = False
        """Pods do not become ready."""

    def start(self) -> None:
        """Install Argo Rollouts and start everything."""
        manifests = find_manifests(self._version)
        for file in sorted((manifests / "crds").glob("*-crd.yaml")):
            crd = yaml.safe_load(file.read_text(encoding="utf-8"))
            self._cluster.apply(f"{_CRDS}/{crd['metadata']['name']}", crd)
        self._until_served()
        add_pod(self._cluster, self._kubelet, NAMESPACE, POD)
        role = yaml.safe_load((manifests / "role" / "argo-rollouts-clusterrole.yaml").read_text(encoding="utf-8"))
        token = self._cluster.add_account(NAMESPACE, "argo-rollouts", role["rules"])
        self._kubeconfig = self._cluster.kubeconfig(token, name="argo-rollouts", namespace=NAMESPACE)
        self.start_manager()
        self.start_rollouts()
        printed = self._cluster.directory / _PRINTED
        threading.Thread(target=self._serve_log, args=(printed,), daemon=True).start()
        threading.Thread(target=self._make_pods_ready, daemon=True).start()

    def _until_served(self) -> None:
        """The API server knows a kind a moment after its CRD."""
        deadline = time.monotonic() + SERVED_SECONDS
        while True:
            try:
                self._cluster.call("GET", "/apis/argoproj.io/v1alpha1/rollouts")
            except RefusedError as error:
                if error.status != 404 or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
                continue
            return

    def close(self) -> None:
        """End everything."""
        self._closing.set()
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)

    def kill(self, name: str) -> None:
        """Kill one of them as kill -9 does: MANAGER or ROLLOUTS; `start_…` brings it back."""
        process = self._running.pop(name)
        process.kill()
        process.wait(STOP_SECONDS)

    def start_manager(self) -> None:
        """Start kube-controller-manager."""
        (port,) = free_ports(1)
        settings = {
            "kubeconfig": str(self._cluster.kubeconfig(name="kube-controller-manager")),
            "service-account-private-key-file": str(self._cluster.directory / "accounts.key"),
            "root-ca-file": str(self._cluster.authority.file),
            "controllers": _KCM_CONTROLLERS,
            "leader-elect-lease-duration": "60s",  # machines that do other work beside are slow
            "leader-elect-renew-deadline": "50s",
            "horizontal-pod-autoscaler-sync-period": "5s",
            "bind-address": "127.0.0.1",
            "secure-port": str(port),
            "cert-dir": str(self._cluster.directory),
        }
        command = [
            str(find_program("kube-controller-manager")),
            *(f"--{name}={text}" for name, text in settings.items()),
        ]
        self._running[MANAGER] = start_tied(command, self._cluster.directory / "kube-controller-manager.log")

    def start_rollouts(self) -> None:
        """Start the controller of Argo Rollouts."""
        metrics, health = free_ports(2)
        settings = {
            "kubeconfig": str(self._kubeconfig),
            "metricsPort" if self._version >= "1.9" else "metricsport": str(metrics),
            "healthzPort": str(health),
            "ambassador-api-version": "getambassador.io/v3alpha1",
        }
        command = [
            str(find_program(f"rollouts-controller-{self._version}")),
            *(f"--{name}={text}" for name, text in settings.items()),
        ]
        self._running[ROLLOUTS] = start_tied(command, self._cluster.directory / _PRINTED)

    def _serve_log(self, printed: Path) -> None:
        log = self._kubelet.log(NAMESPACE, POD, CONTAINER)
        for line in self._lines_of(printed):
            log.write(line, nano(time.time()))

    def _lines_of(self, printed: Path) -> Iterator[bytes]:
        """Every line as soon as it is whole, without its end."""
        rest = b""
        with printed.open("rb") as file:
            while not self._closing.is_set():
                *lines, rest = (rest + file.read()).split(b"\n")
                yield from lines
                self._closing.wait(0.05)

    def _make_pods_ready(self) -> None:
        """As kubelets do; pods that are to go are gone at once."""
        while not self._closing.wait(0.3):
            with contextlib.suppress(RefusedError, OSError):  # the next look is as good
                for pod in self._cluster.call("GET", "/api/v1/pods")["items"]:
                    if pod["spec"].get("nodeName") == NODE:
                        self._attend(pod)

    def _attend(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if metadata.get("deletionTimestamp"):
            self._cluster.call("DELETE", path, {"gracePeriodSeconds": 0})
        elif pod["status"].get("phase") != "Running" and not self.holds_pods:
            self._cluster.set_status(path, _ready(pod))


def _ready(pod: dict[str, Any]) -> dict[str, Any]:
    at = f"{nano(time.time())[:19]}Z"
    kinds = ("Initialized", "ContainersReady", "Ready", "PodScheduled")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": at} for kind in kinds]
    running = {
        "ready": True,
        "started": True,
        "restartCount": 0,
        "imageID": "",
        "state": {"running": {"startedAt": at}},
    }
    containers = [{"name": one["name"], "image": one["image"], **running} for one in pod["spec"]["containers"]]
    return {
        "phase": "Running",
        "startTime": at,
        "podIP": "10.0.20.1",
        "conditions": conditions,
        "containerStatuses": containers,
    }
