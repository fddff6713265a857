"""The store on SQLite: what every store promises, and what a file adds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StoreInUseError, StoreUnavailableError
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.store.contract import StoreContract, loaded
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
