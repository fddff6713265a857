"""Pod logs of a real API server while everything fails: nothing is lost that is still served, nothing comes twice."""

from __future__ import annotations

import random
import time

import pytest

from pipeline.sources.pod_logs.settings import KubernetesSettings
from pipeline.sources.pod_logs.source import PodLogSource
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.pod_log_story import LONG_FAULTS, LONG_LINES, Story, number_of

SECONDS = 300.0
FAULTS = ("cut", "cut", "cut_after", "fail", "rotate", "restart", "clock", "go_back", "apiserver")


# Where the server goes between connecting and the handshake, Python (3.11) leaves the TLS socket to the garbage
# collector, under urllib3 as under the client of the tests. Such a socket has no other end (`raddr`).
pytestmark = pytest.mark.filterwarnings(
    r"ignore:unclosed <ssl.SSLSocket fd=\d+, family=2, type=1, proto=6, laddr=\('127.0.0.1', \d+\)>:ResourceWarning"
)


class Reading:
    """The source, read in the test's own process, with a store that is a dict."""

    def __init__(self, cluster: KubeCluster, story: Story) -> None:
        self._story = story
        self.numbers: dict[int, int] = {}  # what stands in each line that was handed out
        self.gaps: dict[int, str] = {}
        self._kept_before = 0  # numbers before it were committed
        self._positions: dict[str, bytes] = {}
        self._source = PodLogSource(KubernetesSettings(kubeconfig=str(cluster.kubeconfig()), find_seconds=0.5))
        self._source.start({})

    def take(self, seconds: float = 0.0) -> None:
        """Take what was read, until nothing comes for a while; commit now and then."""
        chance = self._story.chance
        while (fetched := self._source.read(seconds)) is not None:
            for gap in fetched.gaps:
                self.gaps[gap.first] = gap.reason
            for block in fetched.blocks:
                assert block.line_numbers is not None
                for number, line in zip(block.line_numbers, block.data.splitlines(), strict=True):
                    name = number_of(line)
                    assert self.numbers.setdefault(number, name) == name, f"number {number} is of two lines"
            if chance.random() < 0.3:
                line = max(1, fetched.next_line - chance.randint(0, 20))
                self._positions[fetched.stream] = self._source.position(fetched.stream, line)
                self._kept_before = fetched.next_line

    def go_back(self) -> None:
        """What was handed out behind the last commit is forgotten, as a daemon that was killed forgets it."""
        self.numbers = {number: name for number, name in self.numbers.items() if number < self._kept_before}
        self.gaps = {line: why for line, why in self.gaps.items() if line < self._kept_before}
        self._source.start(self._positions)

    def finish(self) -> None:
        """Everything that is there is read."""
        self._story.write(1)
        deadline = time.monotonic() + SECONDS
        while self._story.written - 1 not in self.numbers.values() or not self._source.status().is_caught_up:
            self.take(0.2)
            assert time.monotonic() < deadline, self._source.status()
        self._source.close()


def _run(cluster: KubeCluster, kubelet: Kubelet, lines: int, faults: int, seed: int) -> None:
    chance = random.Random(seed)
    story = Story(cluster, kubelet, seed + 1)
    reading = Reading(cluster, story)
    for number in range(faults):
        for _ in range(10):
            story.write(lines // faults // 10)
            reading.take(0.01 if chance.random() < 0.3 else 0.0)
        kind = FAULTS[number % len(FAULTS)] if number < len(FAULTS) else chance.choice(FAULTS)
        if kind == "go_back":
            reading.go_back()
        else:
            story.fault(kind)
    reading.finish()
    story.check(reading.numbers, reading.gaps)


@pytest.mark.servers
def test_nothing_is_lost_or_comes_twice(mortal: KubeCluster, mortal_kubelet: Kubelet) -> None:
    """50,000 lines, 50 faults."""
    _run(mortal, mortal_kubelet, 50_000, 50, seed=1)


@pytest.mark.long
def test_nothing_is_lost_over_many_faults(mortal: KubeCluster, mortal_kubelet: Kubelet) -> None:
    """1,000,000 lines, 500 faults."""
    _run(mortal, mortal_kubelet, LONG_LINES, LONG_FAULTS, seed=3)
