"""How tables get to the version of this whystuck, whatever database is below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import delete, inspect, text, update

from pipeline.errors import StoreError, StoreVersionError
from pipeline.store.connections import Database, make_file
from pipeline.store.schema import migrate, require_version, upgrade
from pipeline.store.settings import MigrateAtStart, StoreSettings
from pipeline.store.store import SqlStore
from pipeline.store.tables import SCHEMA_VERSION, meta
from pipeline.store.upkeep import check


def versions() -> list[str]:
    """Of all migrations, the oldest first."""
    config = Config()
    config.set_main_option("script_location", "pipeline.store:migrations")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


class MigrationContract:
    """Tests for every database; the fixture `settings` is of an empty one."""

    @pytest.fixture
    def database(self, settings: StoreSettings) -> Iterator[Database]:
        database = Database(settings)
        if database.address.file is not None:
            make_file(database.address.file)
        yield database
        database.close()

    def test_newest_version_is_the_one_that_the_code_needs(self) -> None:
        assert SCHEMA_VERSION == versions()[-1]

    def test_versions_sort_as_they_follow_each_other(self) -> None:
        assert sorted(versions()) == versions()

    @pytest.mark.parametrize("version", versions())
    def test_tables_of_every_version_are_migrated_with_what_is_in_them(self, database: Database, version: str) -> None:
        with database.writing("make old tables") as connection:
            upgrade(connection, version)
            connection.execute(text("UPDATE claims SET epoch = 41"))
        done = migrate(database)
        assert (version, SCHEMA_VERSION, ()) == (done.from_version, done.to_version, check(database))
        store = SqlStore.open(msgspec.structs.replace(database.settings, migrate_at_start=MigrateAtStart.NEVER))
        claim = store.claim("one", 0.0)
        store.close()
        assert claim is not None
        assert 42 == claim.epoch

    def test_older_tables_are_refused_with_the_command(self, database: Database) -> None:
        self._stand_at(database, "0000")
        with pytest.raises(StoreVersionError, match=r"tables of version 0000, .*`whystuck store migrate`") as caught:
            SqlStore.open(msgspec.structs.replace(database.settings, migrate_at_start=MigrateAtStart.NEVER))
        assert 2 == caught.value.exit_code

    @pytest.mark.parametrize("opening", [require_version, migrate])
    def test_newer_tables_are_refused_with_both_versions(
        self, database: Database, opening: Callable[[Database], object]
    ) -> None:
        self._stand_at(database, "9999")
        with database.writing("say who made them") as connection:
            connection.execute(update(meta).where(meta.c.name == "product_version").values(value="77.1"))
        expected = (
            rf"tables of version 9999, made by whystuck 77\.1; this is whystuck .* up to version {SCHEMA_VERSION}"
        )
        with pytest.raises(StoreVersionError, match=expected) as caught:
            opening(database)
        assert 2 == caught.value.exit_code

    def test_tables_of_another_program_are_left_alone(self, database: Database) -> None:
        self._stand_at(database, "ae1027a6acf")
        with database.writing("be somebody else's") as connection:
            connection.execute(delete(meta))
        with pytest.raises(StoreVersionError, match="made by another program"):
            migrate(database)

    def test_migration_that_fails_leaves_nothing(self, database: Database) -> None:
        """Somebody has a table called outbox here: the tables that are made before it go again."""
        with database.writing("make a table") as connection:
            connection.execute(text("CREATE TABLE outbox (id INTEGER)"))
        with pytest.raises(StoreError, match="cannot migrate the tables"):
            migrate(database)
        with database.reading("look") as connection:
            assert ["outbox"] == inspect(connection).get_table_names()

    @staticmethod
    def _stand_at(database: Database, version: str) -> None:
        migrate(database)
        with database.writing("pretend") as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
