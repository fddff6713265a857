"""The daemon reads a pod log while all around it fails and it is killed itself: judged by what it has committed."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import MakeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.pod_log_story import Story, key_of
from tests.servers.stored import Stored
from tests.servers.watching import Watching

# See test_pod_log_faults.py: the tests' own client asks an API server that is being killed.
pytestmark = [
    pytest.mark.servers,
    pytest.mark.filterwarnings(
        r"ignore:unclosed <ssl.SSLSocket fd=\d+, family=2, type=1, proto=6, laddr=\('127.0.0.1', \d+\)>:ResourceWarning"
    ),
]

SECONDS = 180.0
LINES, FAULTS_COUNT = 50_000, 50
FAULTS = ("daemon", "cut", "cut_after", "fail", "rotate", "restart", "daemon", "clock", "apiserver", "restart")
BEHIND = 1_500
"""Lines that may wait before more are written, most of the time: else rotation would leave little to read."""


@pytest.fixture
def mortal(make_cluster: MakeCluster) -> Iterator[KubeCluster]:
    """A cluster whose API server may be killed."""
    made = make_cluster()
    yield made
    made.stop()


@pytest.fixture
def kubelet(mortal: KubeCluster) -> Iterator[Kubelet]:
    running = Kubelet(*mortal.authority.issue("kubelet"))
    yield running
    running.close()


class Noted:
    """What the daemon has committed."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def lines(self) -> list[tuple[int, int]]:
        """Places in the stream, each with the number that stands in the line."""
        return self._ask("SELECT place, number FROM noted ORDER BY place, number")

    def newest(self) -> int:
        """The highest number in a line; -1: there is none."""
        return self._ask("SELECT coalesce(max(number), -1) FROM noted")[0][0]

    def _ask(self, text: str) -> list[tuple[int, ...]]:
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(text).fetchall()


def _until_read(noted: Noted, daemon: Watching, number: int) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if noted.newest() >= number:
                return
        except sqlite3.OperationalError:
            pass  # no table yet
        assert daemon.is_running, daemon.printed()[-3000:]
        assert time.monotonic() < deadline, daemon.ask("/readyz?verbose")
        time.sleep(0.05)


def _failures(stored: Stored) -> dict[str, int]:
    """How often each key failed, by the incidents."""
    return {
        f"{victim['namespace']}/{victim['name']}": victim["failures"]
        for incident in stored.incidents()
        for victim in incident["victims"]
    }


def test_nothing_is_lost_or_counted_twice(mortal: KubeCluster, kubelet: Kubelet, tmp_path: Path) -> None:
    """50,000 lines, 50 faults, kill -9 of daemon and API server among them."""
    store = tmp_path / "whystuck.db"
    settings = {
        "store": {"url": f"sqlite:///{store}", "lease_seconds": 1},
        "kubernetes": {"kubeconfig": str(mortal.kubeconfig()), "find_seconds": 0.5, "objects": False},
        "watch": {"commit_seconds": 0.2, "idle_seconds": 0.2, "notify_max_age_seconds": "3650d"},
    }
    command = (sys.executable, "-m", "tests.servers.noting")
    chance, noted, story = random.Random(2), Noted(store), Story(mortal, kubelet, seed=1)
    stored = Stored(f"sqlite:///{store}")
    kills = 0
    with closing(Watching(tmp_path / "daemon", settings, command)) as daemon:
        daemon.start()
        for number in range(FAULTS_COUNT):
            for _ in range(10):
                story.write(LINES // FAULTS_COUNT // 10)
                time.sleep(chance.choice((0.0, 0.0, 0.02)))
            if chance.random() < 0.8:
                _until_read(noted, daemon, story.written - BEHIND)
            kind = FAULTS[number % len(FAULTS)]
            if kind == "daemon":
                time.sleep(chance.uniform(0, 0.3))
                daemon.kill()
                kills += 1
                story.write(chance.randint(0, 300))
                daemon.start()
            else:
                story.fault(kind)
        story.write(1)
        _until_read(noted, daemon, story.written - 1)
        lines = noted.lines()
        failed = Counter(key for _, number in lines if (key := key_of(number)))
        daemon.until(lambda: _failures(stored) == failed, "each failure that was committed is counted once", SECONDS)
        daemon.terminate()
    assert 10 == kills
    assert len(lines) == len(dict(lines)), "two lines have the same place"
    story.check(dict(lines), {row.first: row.reason for row in stored.gaps()})
