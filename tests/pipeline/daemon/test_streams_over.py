"""Of a pod that is gone nothing is kept for ever: neither its place in the log nor what its reader remembers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from parsers.failures import FailureFinder
from parsers.records import Block, Origin
from pipeline.config import Configuration
from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.reporting import Reporter
from pipeline.engine.engine import Engine
from pipeline.extract import StreamExtractor, scanner_for
from pipeline.metrics.metrics import Metrics
from pipeline.sources.live import Fetched
from pipeline.status import DaemonRole, DaemonStatus, StatusBoard
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.daemon.memory_source import MemorySource
from tests.pipeline.daemon.running import rows
from tests.pipeline.engine.builders import BEGIN, at
from tests.scenarios.scenarios import built_in_rules

GONE, STAYS = "prod/argo/pod-a/uid/main", "prod/argo/pod-b/uid/main"


class Writer:
    """An ingestion that commits into a store."""

    def __init__(self, store: Path) -> None:
        self.path = store
        self._store = SqlStore.open(StoreSettings(url=f"sqlite:///{store}"))
        claim = self._store.claim("test", 60)
        assert claim is not None
        self._epoch = claim.epoch
        rules, settings = built_in_rules(), Configuration()
        metrics = Metrics(settings.metrics, "1")
        finder, scanner = FailureFinder(rules), scanner_for(rules)
        self.ingestion = Ingestion(
            settings.watch,
            {"memory": MemorySource({})},
            lambda: Engine(settings.engine, rules),
            lambda: StreamExtractor(scanner, finder, read_at=BEGIN),
            finder,
            Reporter(StatusBoard(DaemonStatus(DaemonRole.ACTIVE, BEGIN)), metrics),
        )

    def take(self, stream: str, seconds: float, number: int = 1) -> None:
        """A line of that time."""
        line = f'time="{at(seconds):%Y-%m-%dT%H:%M:%SZ}" level=info msg="Started syncing rollout" rollout=web\n'
        block = Block(line.encode(), Origin(source=stream, pod=stream), line_numbers=[number])
        self.ingestion.take("memory", Fetched(stream, (block,), number + 1), at(seconds))

    def end(self, stream: str, number: int = 2) -> None:
        """The pod is gone."""
        self.ingestion.take("memory", Fetched(stream, (), number, is_over=True), at(60))

    def commit(self) -> None:
        """What changed since the last one."""
        self._store.commit(self.ingestion.prepare_commit(at(60)), self._epoch)
        self.ingestion.committed()

    def recall(self) -> dict[str, dict[str, bytes]]:
        """As after a commit that failed."""
        with self._store.load() as snapshot:
            return self.ingestion.recall(snapshot)

    def kept(self) -> tuple[set[str], set[str]]:
        """Streams with a position, and those of which a reader remembers something."""
        owners: list[Any] = list(rows(self.path, "SELECT DISTINCT owner FROM state_parts WHERE area = 'reader'"))
        positions = {row[0] for row in rows(self.path, "SELECT stream FROM positions")}
        return positions, {owner.rpartition("\x1f")[2] for (owner,) in owners}


def _writer(tmp_path: Path) -> Writer:
    writer = Writer(tmp_path / "whystuck.db")
    for stream in (GONE, STAYS):
        writer.take(stream, 0)
    writer.commit()
    writer.end(GONE)
    writer.commit()
    return writer


def test_nothing_is_forgotten_too_early(tmp_path: Path) -> None:
    """Incidents of that time are worked out from what was read."""
    writer = _writer(tmp_path)
    writer.ingestion.forget(at(-60))
    writer.commit()
    assert ({GONE, STAYS}, {GONE, STAYS}) == writer.kept()


def test_what_is_over_for_long_is_deleted(tmp_path: Path) -> None:
    """And what goes on stays."""
    writer = _writer(tmp_path)
    writer.ingestion.forget(at(timedelta(days=1).total_seconds()))
    assert writer.ingestion.is_changed
    writer.commit()
    assert ({STAYS}, {STAYS}) == writer.kept()
    assert {"memory": {STAYS}} == {source: set(found) for source, found in writer.recall().items()}


def test_commit_that_failed_deletes_nothing(tmp_path: Path) -> None:
    """The source says again that the pod is gone."""
    writer = _writer(tmp_path)
    writer.ingestion.forget(at(timedelta(days=1).total_seconds()))
    writer.ingestion.prepare_commit(at(60))
    writer.recall()
    writer.commit()
    assert ({GONE, STAYS}, {GONE, STAYS}) == writer.kept()
    writer.end(GONE)
    writer.ingestion.forget(at(timedelta(days=1).total_seconds()))
    writer.commit()
    assert ({STAYS}, {STAYS}) == writer.kept()
