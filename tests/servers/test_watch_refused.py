"""What is configured wrongly: `whystuck watch` names it and ends, however long it might wait for brokers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import Tls
from tests.servers.kafka_topics import Topics
from tests.servers.playing import kafka_settings
from tests.servers.postgresql import PostgreSQL
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
PATIENCE = {"connect_seconds": 3600}
"""For brokers that are not there: whoever waits for that here does not end in time."""
PASSWORD = "not-the-password"


def _plain(folder: Path, user: str, password: str) -> dict[str, Any]:
    file = folder / "password"
    file.write_text(password)
    return {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": user, "password_file": str(file)}


def _ended(folder: Path, kafka: dict[str, Any], store: str = "") -> str:
    """What it says when it ends, without waiting, and with the exit code of a wrong configuration."""
    sections = {"kafka": kafka | PATIENCE, "store": {"url": store or f"sqlite:///{folder}/whystuck.db"}}
    with closing(Watching(folder / "daemon", sections)) as daemon:
        daemon.start()
        assert 2 == daemon.wait()
        assert PASSWORD not in daemon.printed()
        return daemon.printed()


def test_wrong_password(broker: Broker, tmp_path: Path) -> None:
    """The broker's own answer is told."""
    servers = {"bootstrap_servers": [broker.address("SASLPLAIN")], "security": _plain(tmp_path, "reader", PASSWORD)}
    assert "user reader (PLAIN) was refused" in _ended(tmp_path, kafka_settings(broker, "any") | servers)


def test_wrong_authority(broker: Broker, tls: Tls, tmp_path: Path) -> None:
    """And the setting that is to be looked at."""
    security = {"protocol": "SSL", "ca_file": str(tls.other_authority)}
    servers = {"bootstrap_servers": [broker.address("SSL")], "security": security}
    printed = _ended(tmp_path, kafka_settings(broker, "any") | servers)
    assert "certificate is not accepted" in printed
    assert "security.ca_file" in printed


def test_missing_topic(broker: Broker, tmp_path: Path) -> None:
    """By its name."""
    assert "topic no-such: there is no such topic" in _ended(tmp_path, kafka_settings(broker, "no-such"))


def test_missing_right(broker: Broker, tmp_path: Path) -> None:
    """The right is named."""
    topic = Topics(broker.address()).create()
    servers = {"bootstrap_servers": [broker.address("SASLPLAIN")], "security": _plain(tmp_path, "nobody", "right")}
    assert "right Describe" in _ended(tmp_path, kafka_settings(broker, topic) | servers)


def test_tables_of_no_version(broker: Broker, postgresql: PostgreSQL, tmp_path: Path) -> None:
    """A server's tables are made on purpose only: the command is named."""
    assert "store migrate" in _ended(tmp_path, kafka_settings(broker, "any"), postgresql.new_database())


def test_tables_of_a_newer_version(broker: Broker, postgresql: PostgreSQL, tmp_path: Path) -> None:
    """An old whystuck never writes into tables that it does not know."""
    url = postgresql.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert "9999" in _ended(tmp_path, kafka_settings(broker, "any"), url)
