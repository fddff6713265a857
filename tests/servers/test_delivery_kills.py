"""The daemon is killed while receivers behave badly: everything arrives, in order, each message under one id."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.delivery.sending.backoff import LONGEST_SECONDS
from pipeline.errors import UsageError
from pipeline.store.connections import Database
from pipeline.store.delivery_queries import enable_receiver, redrive_receiver
from pipeline.store.settings import StoreSettings
from pipeline.store.tables import deliveries, delivery_incidents, outbox
from tests.servers.dying import POINTS
from tests.servers.hostile_receiver import Answer, HostileReceiver, Manner, Received
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.postgresql import PostgreSQL
from tests.servers.watching import SECONDS, Watching

SCENARIOS = (
    "seed-emissary-expired",
    "emissary-500",
    "emissary-wrong-san",
    "emissary-unknown-ca",
    "rbac-replicasets-create",
)
SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
LONG_KILLS = int(os.environ.get("WHYSTUCK_TEST_KILLS", "500"))
BAD = (
    Answer(status=500),
    Answer(status=429, headers={"Retry-After": "1"}),
    Answer(Manner.SAY_NOTHING),
    Answer(Manner.TRICKLE_HEADERS),
    Answer(Manner.DROP),
    Answer(Manner.RESET),
    Answer(Manner.NO_HTTP),
    Answer(Manner.ANSWER_AND_CLOSE),
    Answer(status=301, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    Answer(status=410),
)


class Misbehaving:
    """Every other request meets some trouble, as chance has it, until that is over."""

    def __init__(self, seed: int) -> None:
        self.is_over = False
        self._chance = random.Random(seed)

    def __call__(self, _received: Received) -> Answer:
        is_bad = not self.is_over and self._chance.random() < 0.5
        return self._chance.choice(BAD) if is_bad else Answer()


class World:
    """Logs of several clusters, a daemon that dies, and two receivers that do not."""

    def __init__(
        self, broker: Broker, folder: Path, store: dict[str, Any], receivers: dict[str, HostileReceiver]
    ) -> None:
        self.store, self.receivers, self._folder = store, receivers, folder
        folder.mkdir(parents=True)
        (folder / "secrets").write_text("\n".join(SECRETS), encoding="utf-8")
        self._topics = Topics(broker.address())
        self._left: dict[str, list[bytes]] = {}  # up to the last failure
        self._repaired: dict[str, list[bytes]] = {}  # what follows
        for scenario in SCENARIOS:
            topic, lines = self._topics.create(settings=KEPT), lines_of_log(scenario)
            healed = max(number for number, line in enumerate(lines) if b"queue retries: " in line) + 2
            self._left[topic], self._repaired[topic] = lines[:healed], lines[healed:]
        self._longest = max(map(len, self._left.values()))
        self._settings = {
            "store": {**store, "lease_seconds": 1},
            "kafka": kafka_settings(
                broker, *self._left, max_poll_records=200, origin={"topic_pattern": "(?P<cluster>.*)"}
            ),
            "watch": {"commit_seconds": 0.02, "idle_seconds": 0.2, "notify_max_age_seconds": "36500d"},
            "delivery": {
                "group_interval_seconds": 1,
                "receivers": [self._receiver(name, receiver.url) for name, receiver in receivers.items()],
            },
        }

    def _receiver(self, name: str, url: str) -> dict[str, Any]:
        return {
            "name": name,
            "url": url,
            "signing_secrets_file": str(self._folder / "secrets"),
            "allow_networks": ["127.0.0.0/8"],
            "read_seconds": 0.5,
            "total_seconds": 1,
        }

    def play(self, lives: int) -> None:
        """The next part of each log is written."""
        for topic, lines in self._left.items():
            size = self._longest // lives + 1
            play(self._topics, topic, lines[:size])
            self._left[topic] = lines[size:]

    def live(self, number: int, chance: random.Random) -> None:
        """One life, that ends at a point of the path or at any moment."""
        if number % 2:
            point = chance.choice(POINTS)
            command = (sys.executable, "-m", "tests.servers.dying", point, str(chance.randint(1, 3)))
            with closing(Watching(self._folder / f"mortal-{number}", self._settings, command)) as mortal:
                mortal.start()
                try:
                    assert -9 == mortal.wait(10), mortal.printed()[-2000:]
                except subprocess.TimeoutExpired:  # it had read everything before it came to the point so often
                    mortal.kill()
            return
        with closing(Watching(self._folder / "daemon", self._settings)) as daemon:
            daemon.start()
            daemon.until_ready()
            time.sleep(chance.uniform(0, 1.0))
            daemon.kill()

    def end(self) -> None:
        """All is read, each incident is told of while it is open, and all is sent."""
        self.play(lives=1)
        with closing(Watching(self._folder / "daemon", self._settings)) as daemon:
            daemon.start()
            daemon.until_ready()
            daemon.until(lambda: len({row.incident_id for row in self._told()}) >= len(SCENARIOS), "all are open")
            for topic, lines in self._repaired.items():
                play(self._topics, topic, lines)
            daemon.until(lambda: daemon.metric("whystuck_lag_records") == 0, "caught up")
            daemon.until(self._is_all_sent, "sent", seconds=LONGEST_SECONDS + SECONDS)
            daemon.terminate()
        self._look()

    def _repair(self) -> None:
        """As an operator does who sees dead letters, and a receiver that is disabled."""
        database = Database(StoreSettings(url=self.store["url"]))
        try:
            for name in self.receivers:
                redrive_receiver(database, name)
                with suppress(UsageError):  # it is not disabled
                    enable_receiver(database, name)
        finally:
            database.close()

    def _is_all_sent(self) -> bool:
        self._repair()
        rows = self._rows(select(deliveries.c.state))
        return bool(rows) and not [row for row in rows if row.state == "pending"]

    def _look(self) -> None:
        told = self._told()
        for name, receiver in self.receivers.items():
            rows = self._rows(select(deliveries).where(deliveries.c.receiver == name).order_by(deliveries.c.number))
            assert {"sent"} <= {row.state for row in rows} <= {"sent", "superseded"}
            bodies = {row.id: row.body for row in rows if row.state == "sent"}
            came = [request for request in receiver.received if request.id]
            assert bodies == {request.id: request.body for request in came}
            assert all(request.body == bodies[request.id] for request in came)
            assert all(request.signed_by == (0, 1) for request in came)
            self._look_at_order(name, came)
            self._look_at_transitions(name, told)

    def _told(self) -> list[Any]:
        """What receivers are to know, in order."""
        return self._rows(select(outbox).where(outbox.c.is_muted.is_(False)).order_by(outbox.c.id))

    def _look_at_order(self, name: str, came: list[Received]) -> None:
        order = list(dict.fromkeys(request.id for request in came))
        by_incident: dict[str, list[tuple[int, int]]] = {}
        for row in self._told_to(name):
            if row.state == "sent":
                by_incident.setdefault(row.incident_id, []).append((order.index(row.id), row.revision))
        for arrivals in by_incident.values():
            assert [revision for _, revision in sorted(arrivals)] == sorted(revision for _, revision in arrivals)

    def _look_at_transitions(self, name: str, told: list[Any]) -> None:
        """Whatever opened or ended was told; of the rest, a later revision where not that one."""
        newest: dict[str, int] = {}
        sent: dict[str, set[int]] = {}
        for row in self._told_to(name):
            if row.state == "sent":
                newest[row.incident_id] = max(row.revision, newest.get(row.incident_id, 0))
                sent.setdefault(row.incident_id, set()).add(row.revision)
        for row in told:
            assert newest[row.incident_id] >= row.revision
            if row.transition in ("resolved", "merged"):
                assert row.revision in sent[row.incident_id] or newest[row.incident_id] > row.revision

    def _told_to(self, name: str) -> list[Any]:
        query = (
            select(deliveries.c.id, deliveries.c.state, delivery_incidents.c.incident_id, delivery_incidents.c.revision)
            .join(delivery_incidents, delivery_incidents.c.number == deliveries.c.number)
            .where(deliveries.c.receiver == name)
            .order_by(deliveries.c.number)
        )
        return self._rows(query)

    def _rows(self, query: Any) -> list[Any]:
        database = Database(StoreSettings(url=self.store["url"]))
        try:
            with database.reading("look") as connection:
                return list(connection.execute(query))
        finally:
            database.close()


def _lived(broker: Broker, folder: Path, store: dict[str, Any], *, kills: int, seed: int) -> None:
    """One receiver behaves badly, one does not."""
    chance = random.Random(seed)
    trouble = Misbehaving(seed)
    with HostileReceiver(secrets=SECRETS) as steady, HostileReceiver(trouble, secrets=SECRETS) as hostile:
        world = World(broker, folder, store, {"steady": steady, "hostile": hostile})
        for number in range(kills):
            world.play(lives=kills + 1)
            world.live(number, chance)
        trouble.is_over = True
        world.end()


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_while_receivers_misbehave(broker: Broker, postgresql: PostgreSQL, tmp_path: Path, kind: str) -> None:
    """15 times with each store."""
    url = f"sqlite:///{tmp_path}/whystuck.db" if kind == "sqlite" else postgresql.new_database()
    _lived(broker, tmp_path / "world", {"url": url, "migrate_at_start": "always"}, kills=15, seed=3)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_very_often_while_receivers_misbehave(
    broker: Broker, postgresql: PostgreSQL, tmp_path: Path, kind: str
) -> None:
    """500 times in all."""
    for done in range(0, LONG_KILLS // 2, 25):
        url = f"sqlite:///{tmp_path}/{done}.db" if kind == "sqlite" else postgresql.new_database()
        store = {"url": url, "migrate_at_start": "always"}
        _lived(broker, tmp_path / f"world-{done}", store, kills=25, seed=100 + done)
