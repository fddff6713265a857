"""The store on a real PostgreSQL: what every store promises, and what replicas and networks add."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from pipeline.errors import ClaimLostError, CommitUnknownError, StoreError, StoreUnavailableError, StoreVersionError
from pipeline.store.connections import Database
from pipeline.store.records import Commit
from pipeline.store.schema import migrate
from pipeline.store.settings import MigrateAtStart, StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.store.contract import StoreContract, loaded
from tests.pipeline.store.migration_contract import MigrationContract
from tests.pipeline.store.samples import CLAIMED, NOW, batch, part
from tests.pipeline.store.upkeep_contract import UpkeepContract
from tests.servers.cutting_proxy import Cut, cutting_proxy
from tests.servers.postgresql import PostgreSQL

pytestmark = pytest.mark.servers

SECONDS = 240.0
SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_lock_shared(1); PERFORM pg_sleep(600); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()
"""
"""Runs within COMMIT, and holds a lock there that shows that it has come so far."""


@pytest.fixture
def settings(postgresql: PostgreSQL) -> StoreSettings:
    """An empty database."""
    return StoreSettings(url=postgresql.new_database(), migrate_at_start=MigrateAtStart.ALWAYS)


@pytest.fixture
def opened() -> Iterator[list[SqlStore]]:
    """Stores to close at the end."""
    stores: list[SqlStore] = []
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def two(settings: StoreSettings, opened: list[SqlStore]) -> tuple[SqlStore, SqlStore]:
    """Two processes with one database."""
    opened += [SqlStore.open(settings), SqlStore.open(settings)]
    return opened[0], opened[1]


def claim(store: SqlStore, owner: str, lease_seconds: float = CLAIMED) -> int:
    """The epoch of a claim that is free."""
    found = store.claim(owner, lease_seconds)
    assert found is not None
    return found.epoch


class TestPostgreSQL(StoreContract):
    """Everything that is promised."""


class TestPostgreSQLUpkeep(UpkeepContract):
    """Everything that may be asked."""

    without_foreign_keys = "SET session_replication_role = replica"


class TestPostgreSQLMigration(MigrationContract):
    """Every way to the tables of today."""


def test_standby_waits_until_the_claim_lapses(two: tuple[SqlStore, SqlStore]) -> None:
    """A lease of no time has lapsed at once; one that is renewed has not."""
    active, standby = two
    epoch = claim(active, "active", 0.0)
    active.renew(epoch, CLAIMED)
    assert standby.claim("standby", CLAIMED) is None
    active.renew(epoch, 0.0)
    assert epoch + 1 == claim(standby, "standby")


def test_released_claim_is_free_at_once(two: tuple[SqlStore, SqlStore]) -> None:
    """An orderly end costs no lease."""
    active, standby = two
    active.release(claim(active, "active"))
    claim(standby, "standby")


def test_process_that_was_away_commits_nothing(two: tuple[SqlStore, SqlStore]) -> None:
    """It slept over its lease, and does not know."""
    zombie, heir = two
    epoch = claim(zombie, "zombie", 0.0)
    zombie.commit(batch(1), epoch)
    heirs = claim(heir, "heir")
    with pytest.raises(ClaimLostError, match=f"heir under epoch {heirs}"):
        zombie.commit(batch(2), epoch)
    heir.commit(batch(2), heirs)
    assert b"2" == loaded(zombie)[1]["key 0"]


def test_nobody_takes_over_within_a_commit(two: tuple[SqlStore, SqlStore]) -> None:
    """And the standby does not wait for it to end: it looks again later."""
    active, standby = two
    epoch = claim(active, "active", 0.0)
    with active.database.writing("commit") as connection:
        from pipeline.store.claims import count_commit

        count_commit(connection, epoch)
        assert standby.claim("standby", CLAIMED) is None
    claim(standby, "standby")


def test_renewal_comes_from_another_thread(two: tuple[SqlStore, SqlStore]) -> None:
    """While the pipeline's thread is busy with its own connection."""
    active, _ = two
    epoch = claim(active, "active", 1.0)
    renewed: list[float] = []
    with active.load() as snapshot:
        thread = threading.Thread(target=lambda: renewed.append(active.renew(epoch, CLAIMED).epoch))
        thread.start()
        thread.join()
        assert [] == list(snapshot.parts)
    assert [epoch] == renewed


@pytest.mark.parametrize(("cut", "made"), [(Cut.BEFORE, 1), (Cut.AFTER, 2)], ids=["not made", "made"])
def test_commit_without_an_answer_is_unknown(
    postgresql: PostgreSQL, settings: StoreSettings, cut: Cut, made: int
) -> None:
    """The network breaks at COMMIT; afterwards everything is there or nothing, and work goes on."""
    with cutting_proxy(postgresql.port, b"COMMIT") as proxy:
        url = settings.url.replace(f":{postgresql.port}/", f":{proxy.port}/") + "?sslmode=disable"
        store = SqlStore.open(msgspec.structs.replace(settings, url=url))
        epoch = claim(store, "one")
        store.commit(batch(1), epoch)
        proxy.cut = cut
        with pytest.raises(CommitUnknownError):
            store.commit(batch(2), epoch)
        proxy.cut = None
        streams, parts = loaded(store)
        assert ({b"%d" % made}, {b'{"offset":%d}' % made}) == (set(parts.values()), set(streams.values()))
        store.commit(batch(3), epoch)
        store.close()


def test_backend_ended_within_commit_is_unknown(settings: StoreSettings, two: tuple[SqlStore, SqlStore]) -> None:
    """By an administrator, say."""
    store, _ = two
    epoch = claim(store, "one")
    with psycopg.connect(settings.url, autocommit=True) as other:
        other.execute(SLOW_COMMIT)
        thread = threading.Thread(target=_end_who_holds_the_lock, args=(other,))
        thread.start()
        with pytest.raises(CommitUnknownError, match="57P01"):
            store.commit(batch(1), epoch)
        thread.join()
        other.execute("DROP TRIGGER wait ON outbox")
    assert ({}, {}) == loaded(store)
    store.commit(batch(1), epoch)


def _end_who_holds_the_lock(connection: psycopg.Connection) -> None:
    query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    deadline = time.monotonic() + SECONDS
    while not connection.execute(query).fetchall():
        assert time.monotonic() < deadline, "nobody is within COMMIT"


def test_server_that_crashes_is_unavailable_until_it_is_back(
    own_postgresql: PostgreSQL, opened: list[SqlStore]
) -> None:
    """Nothing that was committed is lost, and the same store goes on."""
    store = SqlStore.open(StoreSettings(url=own_postgresql.url(), migrate_at_start=MigrateAtStart.ALWAYS))
    opened.append(store)
    epoch = claim(store, "one")
    store.commit(batch(1), epoch)
    own_postgresql.crash()
    with pytest.raises(StoreUnavailableError):
        store.commit(batch(2), epoch)
    with pytest.raises(StoreUnavailableError):
        store.renew(epoch, CLAIMED)
    own_postgresql.start()
    assert b"1" == loaded(store)[1]["key 0"]
    store.renew(epoch, CLAIMED)
    store.commit(batch(2), epoch)


def test_server_that_does_not_answer_is_unavailable_in_time() -> None:
    """It takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://whystuck@127.0.0.1:{silent.getsockname()[1]}/whystuck"
        with pytest.raises(StoreUnavailableError, match="timeout"):
            SqlStore.open(StoreSettings(url=url, connect_timeout_seconds=2.0))


def test_statement_that_waits_too_long_is_given_up(settings: StoreSettings, opened: list[SqlStore]) -> None:
    """Somebody has locked a table; nothing was committed, and later it works."""
    SqlStore.open(settings).close()  # making the tables may take its time
    store = SqlStore.open(msgspec.structs.replace(settings, statement_timeout_seconds=3.0))
    opened.append(store)
    epoch = claim(store, "one")
    with psycopg.connect(settings.url) as other:
        other.execute("LOCK TABLE positions")
        with pytest.raises(StoreUnavailableError, match="timeout"):
            store.commit(batch(1), epoch)
    store.commit(batch(1), epoch)


def test_nul_is_refused_for_good(two: tuple[SqlStore, SqlStore]) -> None:
    """The driver's own refusal has no SQLSTATE, as an outage has none."""
    store, _ = two
    with pytest.raises(StoreError, match="NUL") as caught:
        store.commit(Commit(at=NOW, parts=(part("a\x00b"),)), claim(store, "one"))
    assert StoreError is type(caught.value)


def test_tables_are_made_on_purpose_only(settings: StoreSettings) -> None:
    """As the default is for a server: the message has the command."""
    with pytest.raises(StoreVersionError, match=r"no tables of whystuck yet.*`whystuck store migrate`"):
        SqlStore.open(msgspec.structs.replace(settings, migrate_at_start=MigrateAtStart.SQLITE))


def test_replicas_that_migrate_at_once_do_not_disturb_each_other(settings: StoreSettings) -> None:
    """One makes the tables, the others find them."""
    databases = [Database(settings) for _ in range(3)]
    failed: list[BaseException] = []
    threads = [threading.Thread(target=_migrate, args=(database, failed)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert [] == failed


def _migrate(database: Database, failed: list[BaseException]) -> None:
    try:
        migrate(database)
    except StoreError as error:
        failed.append(error)


def test_password_comes_from_its_file_and_is_in_no_message(
    postgresql: PostgreSQL, settings: StoreSettings, tmp_path: Path
) -> None:
    """The server trusts everybody on this address, so the name that is refused is of a role that is missing."""
    (tmp_path / "password").write_text("pa55word\n", encoding="utf-8")
    url = settings.url.replace("postgres@", "nobody@")
    with pytest.raises(StoreUnavailableError, match='role "nobody" does not exist') as caught:
        SqlStore.open(StoreSettings(url=url, password_file=str(tmp_path / "password")))
    assert "pa55word" not in str(caught.value)
