"""The store as the daemon uses it: claim, load, commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Self

import msgspec
from sqlalchemy import Connection, select

from pipeline.engine.incidents import Incident
from pipeline.store import claims
from pipeline.store.connections import Database, make_file
from pipeline.store.file_lock import FileLock
from pipeline.store.records import Area, Claim, Commit, StatePart, StoredPosition
from pipeline.store.retention import delete_expired
from pipeline.store.schema import may_migrate, migrate, require_version
from pipeline.store.settings import StoreSettings
from pipeline.store.silences import Silence, list_silences
from pipeline.store.tables import acknowledgements, incidents, positions, state_parts
from pipeline.store.writing import write_commit

_ROWS_AT_ONCE = 1000


class Snapshot(msgspec.Struct, frozen=True):
    """What was committed last. `parts` can be read once, while the snapshot is open."""

    positions: tuple[StoredPosition, ...]
    parts: Iterator[StatePart]


class Notes(msgspec.Struct, frozen=True):
    """What people have said of incidents."""

    acknowledged: tuple[tuple[int, str], ...]  # number of the acknowledgement, and the incident
    silences: tuple[Silence, ...]


class SqlStore:
    """One process's store. One thread commits; any thread may renew the claim meanwhile."""

    def __init__(self, database: Database, lock: FileLock | None) -> None:
        self.database = database
        self._lock = lock

    @classmethod
    def open(cls, settings: StoreSettings) -> Self:
        """The store of these settings, its tables of this version. A SQLite file is made where there is none.

        Raises:
            ConfigurationError: The URL or the password file is wrong.
            StoreInUseError: Another process has the SQLite file.
            StoreVersionError: The tables are of another version, and may not be migrated at start.
            StoreUnavailableError: The database does not answer; it may later.
        """
        database = Database(settings)
        lock = None
        try:
            if database.address.file is not None:
                lock = FileLock(database.address.file)
                make_file(database.address.file)
            if may_migrate(database):
                migrate(database)
            require_version(database)
        except BaseException:
            _close(database, lock)
            raise
        return cls(database, lock)

    def claim(self, owner: str, lease_seconds: float) -> Claim | None:
        """Become the writer; None: somebody else is, and the lease has not lapsed. Never waits.

        Args:
            owner: Says who it is, and is unique to this process.
            lease_seconds: How long the claim holds without being renewed, on the clock of PostgreSQL.

        Raises:
            StoreUnavailableError: The database does not answer.
            CommitUnknownError: It went away; whether the claim was made is not known.
        """
        with self.database.keeping("claim the store") as connection:
            return claims.take_claim(connection, owner, lease_seconds)

    def renew(self, epoch: int, lease_seconds: float) -> Claim:
        """Stay the writer. Waits for a commit of the same store, at most.

        Raises:
            ClaimLostError: Somebody else is: stop at once.
            StoreUnavailableError: The database does not answer: the lease goes on running.
            CommitUnknownError: It went away.
        """
        with self.database.keeping("renew the claim") as connection:
            return claims.renew_claim(connection, epoch, lease_seconds)

    def release(self, epoch: int) -> None:
        """Let the next one in at once.

        Raises:
            StoreUnavailableError: The database does not answer: the lease lapses by itself.
            CommitUnknownError: It went away.
        """
        with self.database.keeping("release the claim") as connection:
            claims.release_claim(connection, epoch)

    @contextmanager
    def load(self) -> Iterator[Snapshot]:
        """Everything that the daemon goes on with, as it was after one commit.

        Raises:
            StoreUnavailableError: The database does not answer, also while parts are read.
        """
        with self.database.reading("load the state") as connection:
            rows = connection.execute(select(positions)).all()
            yield Snapshot(tuple(StoredPosition(*row) for row in rows), _read_parts(connection))

    def read_incidents(self, ids: Sequence[str]) -> list[Incident]:
        """Incidents as they were committed last; those that are not there any more are left out.

        Raises:
            StoreUnavailableError: The database does not answer.
        """
        found: list[Incident] = []
        with self.database.reading("read incidents") as connection:
            for start in range(0, len(ids), _ROWS_AT_ONCE):
                chosen = incidents.c.id.in_(ids[start : start + _ROWS_AT_ONCE])
                bodies = connection.scalars(select(incidents.c.body).where(chosen)).all()
                found += [msgspec.json.decode(body, type=Incident) for body in bodies]
        return found

    def read_notes(self, acknowledged_after: int, at: datetime) -> Notes:
        """What people have said since: acknowledgements, and the silences that are not over.

        Raises:
            StoreUnavailableError: The database does not answer.
        """
        table = acknowledgements.c
        query = select(table.id, table.incident_id).where(table.id > acknowledged_after).order_by(table.id)
        with self.database.reading("read acknowledgements") as connection:
            rows = connection.execute(query).all()
        return Notes(tuple((row.id, row.incident_id) for row in rows), list_silences(self.database, ends_after=at))

    def commit(self, commit: Commit, epoch: int) -> None:
        """Write what a batch changed, as a whole or not at all.

        Raises:
            ClaimLostError: Somebody else is the writer: nothing was committed.
            StoreUnavailableError: Nothing was committed; it may work later.
            CommitUnknownError: It was made as a whole or not at all; load anew to go on.
            StoreError: The database refuses the content: nothing was committed, and the same would fail again.
        """
        with self.database.writing("commit") as connection:
            claims.count_commit(connection, epoch)
            write_commit(connection, commit, max_quarantined=self.database.settings.max_quarantined)

    def delete_expired(self, before: datetime, epoch: int, *, limit: int = 500) -> int:
        """Delete what ended before a time; call it again as long as it deletes `limit` rows.

        Raises:
            ClaimLostError: Somebody else is the writer.
            StoreUnavailableError: Nothing was deleted.
            CommitUnknownError: As for `commit`.
        """
        with self.database.writing("delete what is old") as connection:
            claims.count_commit(connection, epoch)
            return delete_expired(connection, before, limit)

    def close(self) -> None:
        """Let go of everything. The claim is not released by this."""
        _close(self.database, self._lock)


def _close(database: Database, lock: FileLock | None) -> None:
    database.close()
    if lock is not None:
        lock.release()


def _read_parts(connection: Connection) -> Iterator[StatePart]:
    found = connection.execute(select(state_parts), execution_options={"yield_per": _ROWS_AT_ONCE})
    for area, owner, name, value in found:
        yield StatePart(Area(area), owner, name, bytes(value))
