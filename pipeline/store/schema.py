"""Which version the tables are of, and how they get to that of this whystuck."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec
from sqlalchemy import Connection, column, delete, insert, inspect, select, table, text

from pipeline.errors import StoreVersionError
from pipeline.store.connections import Database
from pipeline.store.settings import MigrateAtStart
from pipeline.store.tables import SCHEMA_VERSION, meta

OLDEST_SQLITE = (3, 35, 0)  # RETURNING
OLDEST_POSTGRESQL = 13
_ADVISORY_LOCK = 7_795_183_204_117
"""Any number that other programs do not use: one migration at a time."""
_ALEMBIC = table("alembic_version", column("version_num"))


class Migrated(msgspec.Struct, frozen=True):
    """What a migration did; None: there were no tables."""

    from_version: str | None
    to_version: str


def require_version(database: Database) -> None:
    """See that the tables fit this whystuck.

    Raises:
        StoreVersionError: They do not; the message names both versions and what to do.
        StoreUnavailableError: The database does not answer.
    """
    _require_file(database)
    with database.reading("read the version of the tables") as connection:
        _require_server(connection, database)
        found = read_version(connection)
        if found == SCHEMA_VERSION:
            return
        if found is not None and not _is_older(found):
            raise _too_new(connection, database, found)
    what = "there are no tables of whystuck yet" if found is None else f"tables of version {found}"
    raise StoreVersionError(
        f"{database.address}: {what}, and this whystuck needs version {SCHEMA_VERSION}: run `whystuck store migrate`"
    )


def read_version(connection: Connection) -> str | None:
    """The version of the tables; None: there are none."""
    if not inspect(connection).has_table(_ALEMBIC.name):
        return None
    return connection.scalar(select(_ALEMBIC.c.version_num))


def may_migrate(database: Database) -> bool:
    """Whether the daemon changes tables at its start."""
    chosen = database.settings.migrate_at_start
    return chosen is MigrateAtStart.ALWAYS or (chosen is MigrateAtStart.SQLITE and database.is_sqlite)


def migrate(database: Database) -> Migrated:
    """Bring the tables to the version of this whystuck, as a whole or not at all.

    Raises:
        StoreVersionError: They are newer.
        StoreUnavailableError: The database does not answer.
    """
    with database.writing("migrate the tables") as connection:
        _require_server(connection, database)
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
        found = read_version(connection)
        if found is not None and found != SCHEMA_VERSION and not _is_older(found):
            raise _too_new(connection, database, found)
        if found != SCHEMA_VERSION:
            upgrade(connection, SCHEMA_VERSION)
            _note(connection, is_new=found is None)
    return Migrated(from_version=found, to_version=SCHEMA_VERSION)


def upgrade(connection: Connection, to_version: str) -> None:
    """Run the migrations up to a version, in the transaction of the connection."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "pipeline.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, to_version)


def _note(connection: Connection, *, is_new: bool) -> None:
    """Say who has made or changed the tables."""
    facts = {"product_version": version("whystuck")}
    if is_new:
        facts["created_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(delete(meta).where(meta.c.name.in_(facts)))
    connection.execute(insert(meta), [{"name": name, "value": value} for name, value in facts.items()])


def _is_older(found: str) -> bool:
    return found.isdecimal() and found < SCHEMA_VERSION


def _too_new(connection: Connection, database: Database, found: str) -> StoreVersionError:
    product = None
    if inspect(connection).has_table(meta.name):
        product = connection.scalar(select(meta.c.value).where(meta.c.name == "product_version"))
    made_by = f"whystuck {product}" if product else "another program"
    return StoreVersionError(
        f"{database.address}: tables of version {found}, made by {made_by}; this is whystuck {version('whystuck')}, "
        f"which knows them up to version {SCHEMA_VERSION}: use the newer whystuck, or another database"
    )


def _require_file(database: Database) -> None:
    file = database.address.file
    if file is not None and not file.is_file():
        raise StoreVersionError(
            f"{database.address}: there is no such file; check store.url, or make it with `whystuck store migrate`"
        )


def _require_server(connection: Connection, database: Database) -> None:
    if database.is_sqlite:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            needed = ".".join(map(str, OLDEST_SQLITE))
            raise StoreVersionError(f"SQLite {sqlite3.sqlite_version} is too old: whystuck needs {needed} or newer")
        return
    server = int(connection.scalar(text("SHOW server_version_num")) or 0)
    if server < OLDEST_POSTGRESQL * 10_000:
        raise StoreVersionError(
            f"{database.address}: PostgreSQL {server // 10_000} is too old: whystuck needs {OLDEST_POSTGRESQL} or newer"
        )
