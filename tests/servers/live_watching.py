"""`whystuck watch --from kubernetes` as a process, its one incident, and what a receiver is told of it."""

from __future__ import annotations

import base64
import gzip
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from tests.scenarios.scenarios import built_in_rules
from tests.servers.hostile_receiver import HostileReceiver, Received
from tests.servers.kube_cluster import KubeCluster
from tests.servers.stored import Stored, comparable
from tests.servers.watching import SECONDS, Watching

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

UPDATED = "updated"


class Watched:
    """A daemon that watches one controller, with all objects, and tells a receiver."""

    def __init__(self, daemon: Watching, stored: Stored, receiver: HostileReceiver, kubeconfig: Path) -> None:
        self.daemon = daemon
        self._stored = stored
        self._receiver = receiver
        self._recording = daemon.directory / "recording.jsonl.gz"
        self._arguments = ("--from", "kubernetes", "--kubeconfig", str(kubeconfig), "--record", str(self._recording))

    def start(self) -> None:
        """Begin, or go on."""
        self.daemon.start(*self._arguments)

    def die(self) -> None:
        """Killed as kill -9 does, and started again."""
        self.daemon.kill()
        self.start()

    def assert_replayed(self) -> None:
        """End it: a replay of what it has recorded gives the incidents that it has stored."""
        assert 128 + signal.SIGTERM == self.daemon.terminate(), self.daemon.printed()
        files = InputFiles([str(self._recording)])
        replayed = replay(files, EngineSettings(), built_in_rules(), read_at=datetime.now(UTC)).incidents
        assert [] == files.problems
        assert self._stored.incidents() == comparable(replayed)

    def assert_nowhere(self, content: bytes) -> None:
        """It is in no file that was written, as it is or in base64."""
        for file in self.daemon.directory.parent.rglob("*"):
            if file.is_file():
                written = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
                assert content not in written
                assert base64.b64encode(content) not in written

    def incidents(self) -> list[dict[str, Any]]:
        """Those that there are."""
        return self._stored.incidents() if self._stored.commits() else []

    def incident(self) -> dict[str, Any] | None:
        """The one that there is."""
        found = self.incidents()
        assert len(found) < 2, found
        return found[0] if found else None

    def until_all(
        self, are_so: Callable[[list[dict[str, Any]]], object], what: str, seconds: float = SECONDS
    ) -> list[dict[str, Any]]:
        """Wait until something is so of all incidents; them."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = self.incidents()
            return bool(are_so(found))

        self.daemon.until(look, what, seconds, every_seconds=0.2)
        return found

    def until(self, is_so: Callable[[dict[str, Any]], object], what: str, seconds: float = SECONDS) -> dict[str, Any]:
        """Wait until there is an incident of which something is so; it."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            incident = self.incident()
            found[:] = [incident] if incident is not None and is_so(incident) else []
            return bool(found)

        self.daemon.until(look, what, seconds, every_seconds=0.2)
        return found[0]

    def until_checked(self, check: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Wait until nothing is wrong with the incident: lines and objects come in any order. It."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                incident = self.until(bool, "an incident")
                check(incident)
            except (AssertionError, AttributeError, LookupError, TypeError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return incident

    def until_resolved(self) -> dict[str, Any]:
        """Wait until the incident is over, in the store and for the receiver."""
        incident = self.until(lambda one: one["status"] == "resolved", "resolved")
        self._receiver.wait_for(lambda received: "resolved" in transitions(received))
        return incident

    def told(self) -> list[str]:
        """The transitions of which the receiver was told, in order.

        Without updates: whether an incident got worse after it was opened depends on how much was read at once.
        """
        return [name for name in transitions(self._receiver.received) if name != UPDATED]

    def told_of(self, incident: dict[str, Any]) -> list[str]:
        """Those of one incident."""
        found = [json.loads(one.body) for one in self._receiver.received]
        names = [one["transition"]["name"] for one in found if one["id"] == incident["id"]]
        return [name for name in names if name != UPDATED]

    def until_lines(self, count: int) -> None:
        """Wait until it has read so many lines."""
        self.daemon.until(lambda: self.daemon.metric("whystuck_lines_total") >= count, f"{count} lines are read")

    def until_told(self) -> None:
        """Wait for the first."""
        self._receiver.wait_for(bool)

    def until_told_of(self, incident: dict[str, Any], transition: str) -> None:
        """Wait until the receiver was told this of one incident."""
        self._receiver.wait_for(lambda _: transition in self.told_of(incident))


def transitions(received: list[Received]) -> list[str]:
    """Of the native format."""
    assert all(one.is_signed for one in received)
    return [json.loads(one.body)["transition"]["name"] for one in received]


@contextmanager
def watching(
    cluster: KubeCluster, namespace: str, directory: Path, kubeconfig: Path | None = None, **kubernetes: object
) -> Iterator[Watched]:
    """`whystuck watch --from kubernetes` as a process, for the controllers of a namespace.

    Args:
        cluster: where they run.
        namespace: theirs.
        directory: for all files; it is made.
        kubeconfig: whose rights it has; None: the administrator's.
        kubernetes: more settings of that section.
    """
    directory.mkdir(parents=True, exist_ok=True)
    secret, url = directory / "secret", f"sqlite:///{directory}/whystuck.db"
    secret.write_text(SECRET, encoding="utf-8")
    with HostileReceiver(secrets=[SECRET]) as receiver:
        oncall = {"name": "oncall", "url": receiver.url, "allow_networks": ["127.0.0.0/8"]}
        settings = {
            "store": {"url": url},
            "kubernetes": {"namespaces": [namespace], **kubernetes},
            "delivery": {
                "group_interval_seconds": 3600,
                "receivers": [{**oncall, "signing_secrets_file": str(secret)}],
            },
        }
        with closing(Watching(directory / "daemon", settings)) as daemon:
            watched = Watched(daemon, Stored(url), receiver, kubeconfig or cluster.kubeconfig())
            watched.start()
            yield watched
