"""The store on a real PostgreSQL: what every store promises, and what replicas need."""

from __future__ import annotations

import pytest

from pipeline.store.connections import Database
from pipeline.store.schema import migrate
from pipeline.store.settings import MigrateAtStart, StoreSettings
from tests.pipeline.store.contract import StoreContract
from tests.servers.postgresql import PostgreSQL

pytestmark = pytest.mark.servers


@pytest.fixture
def settings(postgresql: PostgreSQL) -> StoreSettings:
    """An empty database."""
    return StoreSettings(url=postgresql.new_database(), migrate_at_start=MigrateAtStart.ALWAYS)


class TestPostgreSQL(StoreContract):
    """Everything that is promised."""
