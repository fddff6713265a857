"""What the daemon does beside reading: deletes what is old, tells nobody what is over, finds what the store refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, event

from pipeline.daemon.upkeep import DELETED_AT_ONCE
from pipeline.daemon.watch import Clocks
from pipeline.store.connections import Database
from pipeline.store.settings import StoreSettings
from pipeline.watch_settings import WatchSettings
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.running import rows, run, source_of, stored
from tests.pipeline.daemon.test_daemon import SMALL, without_transition
from tests.scenarios.scenarios import replayed

OTHER = "healthy-canary"
LATER = timedelta(days=365)
OLD_ROWS = 2 * DELETED_AT_ONCE + 200


def _later(source: MemorySource) -> MemorySource:
    """The same lines, stored by the source a year later."""
    partitions = {
        stream: [msgspec.structs.replace(one, seconds=one.seconds + LATER.total_seconds()) for one in records]
        for stream, records in source.partitions.items()
    }
    return MemorySource(partitions, records_per_read=20)


def _execute(store: Path, statement: str) -> None:
    database = Database(StoreSettings(url=f"sqlite:///{store}"))
    try:
        with database.writing("prepare") as connection:
            connection.exec_driver_sql(statement)
    finally:
        database.close()


@contextmanager
def _deletions() -> Iterator[list[int]]:
    """How many rows each statement has deleted meanwhile."""
    found: list[int] = []

    def note(_connection: Connection, cursor: Any, statement: str, *_more: object) -> None:
        if statement.startswith(("DELETE FROM incidents", "DELETE FROM outbox")):
            found.append(cursor.rowcount)

    event.listen(Engine, "after_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "after_cursor_execute", note)


def test_what_is_over_retention_is_deleted_a_bounded_number_at_a_time(tmp_path: Path) -> None:
    """By the time of the records; the rest follows at once, and not ten minutes later."""
    store = tmp_path / "whystuck.db"
    run(source_of(SMALL), store)
    (resolved,) = stored(store)
    assert "resolved" == resolved.status
    _execute(
        store,
        "INSERT INTO outbox (incident_id, revision, transition, reason, is_muted, body, created_at) "
        "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 999 + "
        f"{OLD_ROWS}) SELECT '{resolved.id}', i, 'changed', '', 0, x'7b7d', '2000-01-01 00:00:00.000000' FROM n",
    )
    assert OLD_ROWS < len(rows(store, "SELECT id FROM outbox"))
    with _deletions() as deleted:
        run(_later(source_of(OTHER)), store, clocks=Clocks(now=lambda: datetime.now(UTC) + LATER))
    assert [] == stored(store) == rows(store, "SELECT id FROM outbox WHERE created_at < '2001'")
    assert max(deleted) <= DELETED_AT_ONCE


def test_what_is_not_over_retention_stays(tmp_path: Path) -> None:
    """However long the daemon reads."""
    store = tmp_path / "whystuck.db"
    run(source_of(SMALL), store)
    before = stored(store)
    run(MemorySource(source_of(OTHER).partitions, records_per_read=20), store)
    assert before == [one for one in stored(store) if one.id == before[0].id]


def test_what_changed_long_ago_is_kept_and_nobody_is_told(tmp_path: Path) -> None:
    """A first start pages nobody for last week."""
    store = tmp_path / "whystuck.db"
    run(source_of(SMALL), store, watch=WatchSettings(commit_seconds=0.0, notify_max_age_seconds=3600.0))
    assert without_transition(replayed(SMALL)) == without_transition(stored(store))
    muted = rows(store, "SELECT is_muted FROM outbox")
    assert muted
    assert all(row.is_muted for row in muted)


PLACE = 300
"""Of the line that the store refuses."""


def refused_by(store: Path) -> MemorySource:
    """Lines of which a store does not take one."""
    run(MemorySource({"logs/0": []}), store)
    _execute(
        store,
        "CREATE TRIGGER refuses BEFORE INSERT ON state_parts "
        "WHEN instr(NEW.name || CAST(NEW.value AS TEXT), 'refused-by') "
        "BEGIN SELECT RAISE(ABORT, 'this database does not take it'); END",
    )
    source = source_of(SMALL)
    (records,) = source.partitions.values()
    line = (
        b'time="2026-11-23T15:52:00Z" level=info msg="rollout syncHandler queue retries: 7 : key '
        b'\\"refused-by/the-store\\"" namespace=refused-by rollout=the-store'
    )
    records.insert(PLACE, Record(line, records[0].origin, records[PLACE].seconds))
    return source


def test_record_that_the_store_refuses_is_found_and_set_aside(tmp_path: Path) -> None:
    """Content that the database does not take ends neither the daemon nor the stream, and costs one record."""
    store = tmp_path / "whystuck.db"
    source = refused_by(store)
    run(source, store)
    (aside,) = rows(store, "SELECT stream, first, last, reason FROM quarantine")
    assert ("logs/0", PLACE, PLACE, "failed") == tuple(aside)
    assert without_transition(replayed(SMALL)) == without_transition(stored(store))
