"""Kafka and the store of `make demo`: real ones, started as the tests start them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.servers.kafka_broker import Broker, Installation
from tests.servers.kafka_jars import fetch_jars, find_java
from tests.servers.kafka_topics import Topics
from tests.servers.postgresql import PostgreSQL, find_programs

TOPIC = "argo-rollouts-logs"
LEASE_SECONDS = 3.0


class Servers:
    """Both run once this is made, and end with the stack at the latest."""

    def __init__(self, stack: ExitStack, folder: Path, tell: Callable[[str], None]) -> None:
        self._stack = stack
        self._folder = folder
        self._tell = tell
        self.broker = self._start_broker()
        self._postgresql = self._start_postgresql()

    @property
    def kafka_settings(self) -> dict[str, Any]:
        """The section `kafka` of a daemon."""
        return {"bootstrap_servers": [self.broker.address()], "topics": [TOPIC], "start": "earliest"}

    def store_settings(self) -> dict[str, Any]:
        """The section `store` of all daemons, with a store that is empty."""
        if self._postgresql is None:
            return {"url": f"sqlite:///{self._folder}/whystuck.db"}
        url = self._postgresql.new_database()
        return {"url": url, "migrate_at_start": "always", "lease_seconds": LEASE_SECONDS}

    @property
    def allow_standby(self) -> bool:
        """A SQLite file has one process."""
        return self._postgresql is not None

    def stop(self) -> None:
        """End them cleanly."""
        if self._postgresql is not None:
            self._postgresql.stop()
            self._tell("PostgreSQL has ended")
        self.broker.stop()
        self._tell("Kafka has ended")

    def _start_broker(self) -> Broker:
        self._tell("Kafka is started: one broker, KRaft")
        installation = Installation(find_java(), fetch_jars(), self._folder)
        broker = Broker(installation, installation.formatted(()), self._folder / "broker")
        self._stack.callback(broker.kill)
        broker.start()
        Topics(broker.address()).create(3, TOPIC, {"retention.ms": "-1"})
        self._tell(f"Kafka serves on {broker.address()}")
        return broker

    def _start_postgresql(self) -> PostgreSQL | None:
        programs = find_programs()
        if programs is None:
            self._tell("there is no PostgreSQL here: the store is SQLite, and there is no standby")
            return None
        postgresql = PostgreSQL(programs)
        self._stack.callback(postgresql.stop)
        postgresql.start()
        self._tell(f"PostgreSQL serves on 127.0.0.1:{postgresql.port}")
        return postgresql
