"""Pod logs of a real API server while everything fails: nothing is lost that is still served, nothing comes twice."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from pipeline.sources.pod_logs.settings import KubernetesSettings
from pipeline.sources.pod_logs.source import PodLogSource
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet, Line, nano

NAMESPACE, POD, CONTAINER = "argo-rollouts", "argo-rollouts-7c9d5f6b8-h4x2m", "argo-rollouts"
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods/{POD}"
SECONDS = 120.0
LONG_LINES = int(os.environ.get("WHYSTUCK_TEST_POD_LOG_LINES", "1000000"))
LONG_FAULTS = int(os.environ.get("WHYSTUCK_TEST_POD_LOG_FAULTS", "500"))
FAULTS = ("cut", "cut", "cut_after", "fail", "rotate", "restart", "clock", "go_back", "apiserver")


@pytest.fixture
def mortal(make_cluster: MakeCluster) -> Iterator[KubeCluster]:
    """A cluster whose API server may be killed."""
    made = make_cluster()
    yield made
    made.stop()


class Story:
    """A controller that prints, a source that reads, and a list of what each has done."""

    def __init__(self, cluster: KubeCluster, kubelet: Kubelet, seed: int) -> None:
        self._cluster, self._kubelet = cluster, kubelet
        self._chance = random.Random(seed)
        self._clock = 1_764_000_000.0
        self._restarts = 0
        self.written = 0
        self._run_starts: set[int] = set()  # the first number of each run of the container but the first
        self._rotated: set[int] = set()
        self.unserved: set[int] = set()  # what the kubelet may not serve any more
        self.numbers: dict[int, int] = {}  # what stands in each line that was handed out
        self._kept_before = 0  # numbers before it were committed
        self._gap_lines: dict[int, str] = {}
        cluster.add_namespace(NAMESPACE)
        cluster.add_node("node", kubelet.port)
        labels = {"app.kubernetes.io/name": "argo-rollouts"}
        metadata = {"name": POD, "namespace": NAMESPACE, "labels": labels}
        spec = {"nodeName": "node", "containers": [{"name": CONTAINER, "image": "x"}]}
        cluster.apply(PATH, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        kubelet.log(NAMESPACE, POD, CONTAINER)
        settings = KubernetesSettings(kubeconfig=str(cluster.kubeconfig()), find_seconds=0.5)
        self.source = PodLogSource(settings)
        self._positions: dict[str, bytes] = {}
        self.source.start({})

    def write(self, count: int) -> None:
        """The controller prints, some lines at the same time, some of them equal in all but their number."""
        lines = []
        for _ in range(count):
            if self._chance.random() < 0.9:
                self._clock += self._chance.random() / 100
            text = f'time="2025-11-24" level=info msg="Started syncing" number={self.written}'
            lines.append(Line(nano(self._clock), text.encode()))
            self.written += 1
        self._kubelet.log(NAMESPACE, POD, CONTAINER).write_all(lines)

    def take(self, seconds: float = 0.0) -> None:
        """Take what was read, until nothing comes for a while; commit now and then."""
        while (fetched := self.source.read(seconds)) is not None:
            for gap in fetched.gaps:
                self._gap_lines[gap.first] = gap.reason
            for block in fetched.blocks:
                assert block.line_numbers is not None
                for number, line in zip(block.line_numbers, block.data.splitlines(), strict=True):
                    name = int(line.rpartition(b"=")[2])
                    assert self.numbers.setdefault(number, name) == name, f"number {number} is of two lines"
            if self._chance.random() < 0.3:
                back = self._chance.randint(0, 20)
                line = max(1, fetched.next_line - back)
                self._positions[fetched.stream] = self.source.position(fetched.stream, line)
                self._kept_before = fetched.next_line

    def fault(self, kind: str) -> None:
        """Let something go wrong."""
        log = self._kubelet.log(NAMESPACE, POD, CONTAINER)
        match kind:
            case "cut":
                log.cut_followers()
                self.write(3)
            case "cut_after":
                self._kubelet.cut_after.append(self._chance.randint(1, 5000))
                log.cut_followers()
            case "fail":
                self._kubelet.failures_left = self._chance.randint(1, 4)
                log.cut_followers()
            case "rotate":
                gone = log.rotate(self._chance.choice((0, 5, 500, 5000)))
                self._note_unserved(gone)
                self._rotated |= {_number(line) for line in gone}
            case "restart":
                self._restart()
            case "clock":
                self._clock += self._chance.choice((-3600.0, -1.0, 3600.0))
            case "go_back":
                # What was handed out behind the last commit is forgotten, as a daemon that was killed forgets it.
                self.numbers = {number: name for number, name in self.numbers.items() if number < self._kept_before}
                self._gap_lines = {line: why for line, why in self._gap_lines.items() if line < self._kept_before}
                self.source.start(self._positions)
            case "apiserver":
                self._cluster.kill_apiserver()
                self.write(50)
                self._cluster.start()

    def _note_unserved(self, lines: list[Line]) -> None:
        self.unserved |= {_number(line) for line in lines}

    def _restart(self) -> None:
        incarnations = self._kubelet.logs[NAMESPACE, POD, CONTAINER]
        if len(incarnations) > 1:
            self._note_unserved(incarnations[-2].lines)
        self._kubelet.restart(NAMESPACE, POD, CONTAINER)
        self._run_starts.add(self.written)
        self._restarts += 1
        status = {"name": CONTAINER, "image": "x", "imageID": "", "ready": True, "restartCount": self._restarts}
        self._cluster.set_status(PATH, {"phase": "Running", "containerStatuses": [status]})

    def finish(self) -> None:
        """Everything that is there is read."""
        self.write(1)
        deadline = time.monotonic() + SECONDS
        while self.written - 1 not in self.numbers.values() or not self.source.status().is_caught_up:
            self.take(0.2)
            assert time.monotonic() < deadline, self.source.status()
        self.source.close()

    def check(self) -> None:
        """Nothing is lost that was served, nothing came twice, every gap was told."""
        by_number = [name for _, name in sorted(self.numbers.items())]
        assert by_number == sorted(set(by_number)), "twice, or out of order"
        missing = set(range(self.written)) - set(by_number)
        assert missing <= self.unserved, sorted(missing - self.unserved)[:10]
        for (number, name), (next_number, next_name) in pairwise(sorted(self.numbers.items())):
            if next_name != name + 1:
                told = [line for line in self._gap_lines if number < line < next_number]
                text = f"lines {name + 1} to {next_name - 1} are missing, and nobody says so"
                assert told or self._is_rotated_head(name + 1, next_name), text

    def _is_rotated_head(self, first: int, stop: int) -> bool:
        """Whether these are the first lines of one run, rotated away; nothing in the pod-log API shows that."""
        missing = set(range(first, stop))
        return first in self._run_starts and missing <= self._rotated and len(missing & self._run_starts) == 1


def _number(line: Line) -> int:
    return int(line.text.rpartition(b"=")[2])


def _run(story: Story, lines: int, faults: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(faults):
        for _ in range(10):
            story.write(lines // faults // 10)
            story.take(0.01 if chance.random() < 0.3 else 0.0)
        story.fault(FAULTS[number % len(FAULTS)] if number < len(FAULTS) else chance.choice(FAULTS))
    story.finish()
    story.check()


@pytest.mark.servers
def test_nothing_is_lost_or_comes_twice(mortal: KubeCluster, kubelet_of_mortal: Kubelet) -> None:
    """50,000 lines, 50 faults."""
    _run(Story(mortal, kubelet_of_mortal, seed=1), 50_000, 50, seed=2)


@pytest.mark.long
def test_nothing_is_lost_over_many_faults(mortal: KubeCluster, kubelet_of_mortal: Kubelet) -> None:
    """1,000,000 lines, 500 faults."""
    _run(Story(mortal, kubelet_of_mortal, seed=3), LONG_LINES, LONG_FAULTS, seed=4)


@pytest.fixture
def kubelet_of_mortal(mortal: KubeCluster) -> Iterator[Kubelet]:
    running = Kubelet(*mortal.authority.issue("kubelet"))
    yield running
    running.close()
