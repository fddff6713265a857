"""A controller that prints numbered lines while all around its log fails; and what may be missing of them then."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from itertools import pairwise

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet, Line, nano

NAMESPACE, POD, CONTAINER = "argo-rollouts", "argo-rollouts-7c9d5f6b8-h4x2m", "argo-rollouts"
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods/{POD}"
LONG_LINES = int(os.environ.get("WHYSTUCK_TEST_POD_LOG_LINES", "1000000"))
LONG_FAULTS = int(os.environ.get("WHYSTUCK_TEST_POD_LOG_FAULTS", "500"))
_FIRST_SECONDS = 1_764_000_000.0
_FAILS_EVERY = 10
_KEYS = ("shop/web", "shop/api", "batch/job")


class Story:
    """One container, its kubelet and its API server."""

    def __init__(self, cluster: KubeCluster, kubelet: Kubelet, seed: int) -> None:
        self.chance = random.Random(seed)
        self.written = 0
        self._cluster, self._kubelet = cluster, kubelet
        self._clock = _FIRST_SECONDS
        self._restarts = 0
        self._started_at = ""
        self._run_starts: set[int] = set()  # the first number of each run of the container but the first
        self._rotated: set[int] = set()
        self._unserved: set[int] = set()  # what the kubelet may not serve any more
        cluster.add_namespace(NAMESPACE)
        cluster.add_node("node", kubelet.port)
        labels = {"app.kubernetes.io/name": "argo-rollouts"}
        metadata = {"name": POD, "namespace": NAMESPACE, "labels": labels}
        spec = {"nodeName": "node", "containers": [{"name": CONTAINER, "image": "x"}]}
        cluster.apply(PATH, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        kubelet.log(NAMESPACE, POD, CONTAINER)
        self._tell_status()

    def write(self, count: int) -> None:
        """The controller prints, some lines at the same time, some of them equal in all but their number."""
        lines = []
        for _ in range(count):
            if self.chance.random() < 0.9:
                self._clock += self.chance.random() / 100
            lines.append(Line(nano(self._clock), text_of(self.written)))
            self.written += 1
        self._kubelet.log(NAMESPACE, POD, CONTAINER).write_all(lines)

    def fault(self, kind: str) -> None:
        """Let something go wrong."""
        log = self._kubelet.log(NAMESPACE, POD, CONTAINER)
        match kind:
            case "cut":
                log.cut_followers()
                self.write(3)
            case "cut_after":
                self._kubelet.cut_after.append(self.chance.randint(1, 5000))
                log.cut_followers()
            case "fail":
                self._kubelet.failures_left = self.chance.randint(1, 4)
                log.cut_followers()
            case "rotate":
                gone = {number_of(line.text) for line in log.rotate(self.chance.choice((0, 5, 500, 5000)))}
                self._unserved |= gone
                self._rotated |= gone
            case "restart":
                self._restart()
            case "clock":
                self._clock += self.chance.choice((-3600.0, -1.0, 3600.0))
            case "apiserver":
                self._cluster.kill_apiserver()
                self.write(50)
                self._cluster.start()
            case _:
                raise AssertionError(kind)

    def _restart(self) -> None:
        incarnations = self._kubelet.logs[NAMESPACE, POD, CONTAINER]
        if len(incarnations) > 1:
            self._unserved |= {number_of(line.text) for line in incarnations[-2].lines}
        self._kubelet.restart(NAMESPACE, POD, CONTAINER)
        self._run_starts.add(self.written)
        self._restarts += 1
        self._tell_status()

    def _tell_status(self) -> None:
        """Of the run that has just begun; times are the container's own, so its clock is set with them."""
        before, self._started_at = self._started_at, nano(self._clock)[:19] + "Z"
        ended = {"containerID": f"test://{self._restarts - 1}", "startedAt": before, "finishedAt": self._started_at}
        status = {
            "name": CONTAINER,
            "image": "x",
            "imageID": "",
            "ready": True,
            "restartCount": self._restarts,
            "containerID": f"test://{self._restarts}",
            "state": {"running": {"startedAt": self._started_at}},
            "lastState": {"terminated": {"exitCode": 1, **ended}} if self._restarts else {},
        }
        self._cluster.set_status(PATH, {"phase": "Running", "containerStatuses": [status]})

    def check(self, numbers: Mapping[int, int], gaps: Mapping[int, str]) -> None:
        """Nothing is lost that was served, nothing came twice, every gap was told.

        Args:
            numbers: what stands in each line that was read, by its number in the stream.
            gaps: reasons, by the number that a gap takes.
        """
        in_order = sorted(numbers.items())
        read = [number for _, number in in_order]
        assert read == sorted(set(read)), "twice, or out of order"
        missing = set(range(self.written)) - set(read)
        assert missing <= self._unserved, sorted(missing - self._unserved)[:10]
        for (place, number), (next_place, next_number) in pairwise(in_order):
            if next_number != number + 1:
                is_told = any(place < gap < next_place for gap in gaps)
                text = f"lines {number + 1} to {next_number - 1} are missing, and nobody says so"
                assert is_told or self._is_rotated_head(number + 1, next_number), text

    def _is_rotated_head(self, first: int, stop: int) -> bool:
        """Whether these are the first lines of one run, rotated away within seconds or before its status was there."""
        missing = set(range(first, stop))
        return first in self._run_starts and missing <= self._rotated and len(missing & self._run_starts) == 1


def text_of(number: int) -> bytes:
    """A line of the controller with a number: every tenth says that a key failed."""
    at = nano(_FIRST_SECONDS + number / 100)[:19] + "Z"
    key = key_of(number)
    if key is None:
        return f'time="{at}" level=info msg="Started syncing" number={number}'.encode()
    namespace, _, name = key.partition("/")
    cause = 'Post \\"https://emissary-apiext.emissary-system.svc:443/\\": x509: certificate has expired'
    names = f"namespace={namespace} rollout={name}"
    return f'time="{at}" level=error msg="rollout syncHandler error: {cause}" {names} number={number}'.encode()


def key_of(number: int) -> str | None:
    """Which key a line says to have failed; None: none."""
    return None if number % _FAILS_EVERY else _KEYS[number // _FAILS_EVERY % len(_KEYS)]


def number_of(line: bytes) -> int:
    """The number in a line."""
    return int(line.rpartition(b"=")[2])
