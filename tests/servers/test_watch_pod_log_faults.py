"""The daemon reads a pod log while all around it fails and it is killed itself: judged by what it has committed."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet
from tests.servers.pod_log_story import LONG_FAULTS, LONG_LINES, Story, key_of
from tests.servers.stored import Stored
from tests.servers.watching import Watching

# See test_pod_log_faults.py: the tests' own client asks an API server that is being killed.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:unclosed <ssl.SSLSocket fd=\d+, family=2, type=1, proto=6, laddr=\('127.0.0.1', \d+\)>:ResourceWarning"
)

SECONDS = 300.0
FAULTS = ("daemon", "cut", "cut_after", "fail", "rotate", "restart", "daemon", "clock", "apiserver", "restart")
BEHIND = 1_500
"""Lines that may wait before more are written, most of the time: else rotation would leave little to read."""


class Noted:
    """What the daemon has committed."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def lines(self) -> list[tuple[int, int]]:
        """Places in the stream, each with the number that stands in the line."""
        return self._ask("SELECT place, number FROM noted ORDER BY place, number")

    def newest(self) -> int:
        """The number in the newest line; -1: there is none."""
        found = self._ask("SELECT number FROM noted ORDER BY place DESC LIMIT 1")
        return found[0][0] if found else -1

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
    found: Counter[str] = Counter()
    for incident in stored.incidents():
        for victim in incident["victims"]:
            found[f"{victim['namespace']}/{victim['name']}"] += victim["failures"]
    return found


def _read_all(cluster: KubeCluster, kubelet: Kubelet, folder: Path, lines_count: int, faults_count: int) -> None:
    store = folder / "whystuck.db"
    settings = {
        "store": {"url": f"sqlite:///{store}", "lease_seconds": 1},
        "kubernetes": {"kubeconfig": str(cluster.kubeconfig()), "find_seconds": 0.5, "objects": False},
        "watch": {"commit_seconds": 0.2, "idle_seconds": 0.2, "notify_max_age_seconds": "3650d"},
    }
    command = (sys.executable, "-m", "tests.servers.noting")
    chance, noted, story = random.Random(2), Noted(store), Story(cluster, kubelet, seed=1)
    stored = Stored(f"sqlite:///{store}")
    kills = 0
    with closing(Watching(folder / "daemon", settings, command)) as daemon:
        daemon.start()
        for number in range(faults_count):
            for _ in range(10):
                story.write(lines_count // faults_count // 10)
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
    assert faults_count // 5 == kills
    assert len(lines) == len(dict(lines)), "two lines have the same place"
    story.check(dict(lines), {row.first: row.reason for row in stored.gaps()})


@pytest.mark.servers
def test_nothing_is_lost_or_counted_twice(mortal: KubeCluster, mortal_kubelet: Kubelet, tmp_path: Path) -> None:
    """50,000 lines, 50 faults, kill -9 of daemon and API server among them."""
    _read_all(mortal, mortal_kubelet, tmp_path, 50_000, 50)


@pytest.mark.long
def test_nothing_is_lost_over_many_kills(mortal: KubeCluster, mortal_kubelet: Kubelet, tmp_path: Path) -> None:
    """1,000,000 lines, 500 faults."""
    _read_all(mortal, mortal_kubelet, tmp_path, LONG_LINES, LONG_FAULTS)
