"""What operators do with a store: look for damage, give space back."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, Table, func, select, text

from pipeline.engine.incidents import Incident
from pipeline.errors import StoreError
from pipeline.store.connections import Database
from pipeline.store.queries import decode_incident
from pipeline.store.tables import acknowledgements, claims, incidents, metadata, outbox

_ROWS_AT_ONCE = 100
_MAX_COMPLAINTS = 100


class Problem(msgspec.Struct, frozen=True):
    """Something that is wrong with a store."""

    where: str  # table, or the file
    what: str


class Space(msgspec.Struct, frozen=True):
    """Bytes on the disk."""

    before: int
    after: int


def check(database: Database) -> tuple[Problem, ...]:
    """Everything that is wrong; nothing is changed. Reads every row.

    Raises:
        StoreUnavailableError: The database does not answer.
    """
    with database.reading("check the store") as connection:
        found = [*(_check_file(connection) if database.is_sqlite else _check_server(connection))]
        found += _check_tables(connection)
        for table in (outbox, acknowledgements):
            found += _check_orphans(connection, table)
        if connection.scalar(select(func.count()).select_from(claims)) != 1:
            found.append(Problem("claims", "there has to be one claim: the daemon cannot become the writer"))
        found += _check_incidents(connection)
    return tuple(found[:_MAX_COMPLAINTS])


def vacuum(database: Database) -> Space:
    """Give back the space of what was deleted. A SQLite file is written anew, which needs as much space once more.

    Raises:
        StoreUnavailableError: The database does not answer, or the disk is full.
    """
    with database.alone("vacuum the store") as connection:
        before = _bytes_on_disk(connection, database)
        if database.is_sqlite:
            for statement in ("VACUUM", "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
                connection.exec_driver_sql(statement)
        else:
            for table in metadata.sorted_tables:
                connection.exec_driver_sql(f"VACUUM (ANALYZE) {table.name}")
        return Space(before, _bytes_on_disk(connection, database))


def _check_file(connection: Connection) -> Iterator[Problem]:
    for (answer,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MAX_COMPLAINTS})"):
        if answer != "ok":
            yield Problem("file", str(answer))
    for name, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Problem(str(name), f"row {row} belongs to a row of {parent} that is not there")


def _check_server(connection: Connection) -> Iterator[Problem]:
    """PostgreSQL watches over its constraints itself; what is left to see is whether every row can be read."""
    for name, index in connection.execute(
        text("SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
    ):
        yield Problem(name, f"the index {index} is not valid: REINDEX INDEX {index}")
    for table in metadata.sorted_tables:
        for _ in connection.execute(select(table), execution_options={"yield_per": _ROWS_AT_ONCE}):
            pass


def _check_tables(connection: Connection) -> Iterator[Problem]:
    """Whether the tables are as the migrations make them."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    for difference in compare_metadata(MigrationContext.configure(connection), metadata):
        yield Problem("tables", f"not as they should be: {difference}")


def _check_orphans(connection: Connection, table: Table) -> Iterator[Problem]:
    query = (
        select(func.count())
        .select_from(table.outerjoin(incidents, incidents.c.id == table.c.incident_id))
        .where(incidents.c.id.is_(None))
    )
    if count := connection.scalar(query):
        yield Problem(str(table.name), f"{count} rows belong to incidents that are not there")


def _check_incidents(connection: Connection) -> Iterator[Problem]:
    """Whether each can be read, and says the same as its columns."""
    names = ("status", "severity", "revision", "failure_class")
    query = select(incidents.c.id, incidents.c.body, *(incidents.c[name] for name in names))
    for identity, body, *columns in connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}):
        try:
            incident = decode_incident(identity, body)
        except StoreError as error:
            yield Problem("incidents", str(error))
            continue
        if columns != _columns_of(incident):
            yield Problem("incidents", f"incident {identity}: its columns say something else than its JSON")


def _columns_of(incident: Incident) -> list[object]:
    return [incident.status, incident.severity, incident.revision, incident.cause.failure_class]


def _bytes_on_disk(connection: Connection, database: Database) -> int:
    file = database.address.file
    if file is not None:
        files = (file, file.with_name(file.name + "-wal"))
        return sum(one.stat().st_size for one in files if one.exists())
    return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
