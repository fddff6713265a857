"""The store on SQLite: what every store promises, and what a file adds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event

from pipeline.errors import StoreError, StoreInUseError, StoreUnavailableError
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.store.contract import StoreContract, loaded
from tests.pipeline.store.migration_contract import MigrationContract
from tests.pipeline.store.samples import CLAIMED, batch
from tests.pipeline.store.upkeep_contract import UpkeepContract


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    """An empty place."""
    return StoreSettings(url=f"sqlite:///{tmp_path}/whystuck.db")


class TestSqlite(StoreContract):
    """Everything that is promised."""


class TestSqliteUpkeep(UpkeepContract):
    """Everything that may be asked."""

    without_foreign_keys = "PRAGMA foreign_keys = OFF"


class TestSqliteMigration(MigrationContract):
    """Every way to the tables of today."""


def test_second_process_is_told_who_has_the_file(settings: StoreSettings) -> None:
    """A lock, not a lease: it is free as soon as the process ends, however it ends."""
    first = SqlStore.open(settings)
    with pytest.raises(StoreInUseError, match=r"in use by process \d+: .* use PostgreSQL"):
        SqlStore.open(settings)
    first.close()
    SqlStore.open(settings).close()


def test_state_is_there_after_a_restart_under_a_new_epoch(settings: StoreSettings) -> None:
    """Nobody waits for the lease of a process that is gone."""
    first = SqlStore.open(settings)
    claim = first.claim("one", CLAIMED)
    assert claim is not None
    first.commit(batch(1), claim.epoch)
    first.close()
    second = SqlStore.open(settings)
    again = second.claim("two", CLAIMED)
    assert again is not None
    assert claim.epoch + 1 == again.epoch
    assert b"1" == loaded(second)[1]["key 0"]
    second.close()


def test_file_is_for_its_owner_only(settings: StoreSettings, tmp_path: Path) -> None:
    """Logs name customers and hosts."""
    SqlStore.open(settings).close()
    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """The daemon waits for it, as for a volume that is not mounted yet."""
    with pytest.raises(StoreUnavailableError, match=r"nowhere.*No such file"):
        SqlStore.open(StoreSettings(url=f"sqlite:///{tmp_path}/nowhere/whystuck.db"))


def test_full_disk_is_unavailable_until_there_is_room(settings: StoreSettings) -> None:
    """Nothing of the batch is there, what was before is, and the same store goes on."""
    store = SqlStore.open(settings)
    claim = store.claim("one", CLAIMED)
    assert claim is not None
    store.commit(batch(1), claim.epoch)
    room = _Room(store)
    room.limit(pages=60)
    with pytest.raises(StoreUnavailableError, match="database or disk is full"):
        store.commit(batch(2, parts=50_000), claim.epoch)
    assert {b"1"} == set(loaded(store)[1].values())
    room.limit(pages=1_000_000)
    store.commit(batch(2), claim.epoch)
    assert {b"2"} == set(loaded(store)[1].values())
    store.close()


class _Room:
    """How many pages the writing connection may use: SQLite's own way to a full disk."""

    def __init__(self, store: SqlStore) -> None:
        self._engine = store.database._writer
        self._pages = 0
        event.listen(self._engine, "connect", self._on_connect)

    def limit(self, pages: int) -> None:
        self._pages = pages
        self._engine.dispose()

    def _on_connect(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._pages}")


def test_file_that_somebody_writes_is_waited_for_and_then_unavailable(settings: StoreSettings, tmp_path: Path) -> None:
    """A person with the sqlite3 command, say. Reading goes on beside."""
    store = SqlStore.open(msgspec.structs.replace(settings, connect_timeout_seconds=0.05))
    claim = store.claim("one", CLAIMED)
    assert claim is not None
    other = sqlite3.connect(tmp_path / "whystuck.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="database is locked"):
        store.commit(batch(1), claim.epoch)
    assert ({}, {}) == loaded(store)
    other.execute("ROLLBACK")
    other.close()
    store.commit(batch(1), claim.epoch)
    store.close()


def test_file_that_is_no_database_is_refused(settings: StoreSettings, tmp_path: Path) -> None:
    """Nothing in it is changed."""
    text = b"these are notes of mine, " * 100
    (tmp_path / "whystuck.db").write_bytes(text)
    with pytest.raises(StoreError, match="file is not a database"):
        SqlStore.open(settings)
    assert text == (tmp_path / "whystuck.db").read_bytes()


def test_reader_sees_one_state_while_the_daemon_writes(settings: StoreSettings) -> None:
    """And holds up nobody."""
    store = SqlStore.open(settings)
    claim = store.claim("one", CLAIMED)
    assert claim is not None
    store.commit(batch(1, parts=3000), claim.epoch)
    with store.load() as snapshot:
        first = next(snapshot.parts)
        store.commit(batch(2, parts=3000), claim.epoch)
        values = {first.value, *(part.value for part in snapshot.parts)}
    store.close()
    assert {b"1"} == values


def test_transactions_are_durable_when_they_are_committed(settings: StoreSettings) -> None:
    """Write-ahead log, and every commit reaches the disk."""
    store = SqlStore.open(settings)
    with store.database.writing("look") as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        assert ["wal", 2, 1] == [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    store.close()
