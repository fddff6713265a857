"""The standby takes over while the active daemon waits for a receiver's answer."""

from __future__ import annotations

import signal
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from pipeline.store.connections import Database
from pipeline.store.deliveries import DeliveryState
from pipeline.store.delivery_queries import redrive_receiver
from pipeline.store.settings import StoreSettings
from pipeline.store.tables import deliveries
from tests.servers.hostile_receiver import Answer, HostileReceiver, Manner, Received
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.postgresql import PostgreSQL
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _settings(broker: Broker, topic: str, url: str, receiver: str, secrets: Path) -> dict[str, Any]:
    secrets.write_text(SECRET, encoding="utf-8")
    return {
        "store": {"url": url, "migrate_at_start": "always", "lease_seconds": 1},
        "kafka": kafka_settings(broker, topic),
        "watch": {"commit_seconds": 0.05, "idle_seconds": 0.2, "notify_max_age_seconds": "36500d"},
        "delivery": {
            "receivers": [
                {
                    "name": "oncall",
                    "url": receiver,
                    "signing_secrets_file": str(secrets),
                    "allow_networks": ["127.0.0.0/8"],
                    "read_seconds": 20,
                    "total_seconds": 25,
                }
            ]
        },
    }


def _rows(url: str) -> list[Any]:
    database = Database(StoreSettings(url=url))
    try:
        with database.reading("look") as connection:
            return list(connection.execute(select(deliveries).order_by(deliveries.c.number)))
    finally:
        database.close()


def _is_all_sent(url: str) -> bool:
    """Up to the end of the story."""
    rows = _rows(url)
    return any(row.occasion == "resolved" for row in rows) and all(row.state in ("sent", "superseded") for row in rows)


def _is_all_dead(rows: list[Any]) -> bool:
    """Up to the end of the story."""
    return any(row.occasion == "resolved" for row in rows) and all(row.state in ("dead", "superseded") for row in rows)


def _played(broker: Broker) -> str:
    topics = Topics(broker.address())
    topic = topics.create(settings=KEPT)
    play(topics, topic, lines_of_log("seed-emissary-expired"))
    return topic


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stands still and comes back"])
def test_standby_sends_the_same_again(
    broker: Broker, postgresql: PostgreSQL, tmp_path: Path, how: signal.Signals
) -> None:
    """Under the same id, the same bytes, in order; a process that comes back sends nothing more."""
    url = postgresql.new_database()
    with HostileReceiver([Answer(Manner.SAY_NOTHING)], secrets=[SECRET]) as receiver:
        settings = _settings(broker, _played(broker), url, receiver.url, tmp_path / "secret")
        with (
            closing(Watching(tmp_path / "first", settings)) as first,
            closing(Watching(tmp_path / "second", settings)) as second,
        ):
            first.start()
            receiver.wait_for(lambda received: len(received) == 1)
            first.process.send_signal(how)
            second.start()
            second.until(lambda: _is_all_sent(url), "sent")
            sent_by_second = len(receiver.received)
            if how is signal.SIGSTOP:
                first.process.send_signal(signal.SIGCONT)
                first.until(lambda: first.metric("whystuck_role", role="standby") == 1, "standby")
            assert sent_by_second == len(receiver.received)
        came = receiver.received
        assert came[0].id == came[1].id
        _assert_sent(came, _rows(url))


def _assert_sent(came: list[Received], rows: list[Any]) -> None:
    assert [row.id for row in rows if row.state == "sent"] == list(dict.fromkeys(one.id for one in came))
    bodies = {row.id: row.body for row in rows}
    assert all(one.body == bodies[one.id] and one.is_signed for one in came)


def test_dead_letter_is_sent_after_a_week(broker: Broker, tmp_path: Path) -> None:
    """When somebody redrives it: the same id, the same bytes, and a signature that is good now."""
    url = f"sqlite:///{tmp_path}/whystuck.db"
    refusing = [Answer(status=400)] * 100
    with HostileReceiver(lambda _: refusing.pop() if refusing else Answer(), secrets=[SECRET]) as receiver:
        settings = _settings(broker, _played(broker), url, receiver.url, tmp_path / "secret")
        with closing(Watching(tmp_path / "daemon", settings)) as daemon:
            daemon.start()
            daemon.until_ready()
            daemon.until(lambda: daemon.metric("whystuck_lag_records") == 0, "caught up")
            daemon.until(lambda: _is_all_dead(_rows(url)), "dead")
            daemon.terminate()
            refused = len(receiver.received)
            _make_older(url)
            refusing.clear()
            _redrive(url)
            daemon.start()
            daemon.until(lambda: _is_all_sent(url), "sent")
            daemon.terminate()
        came = receiver.received
        assert {one.id for one in came[:refused]} == {one.id for one in came[refused:]}
        _assert_sent(came[refused:], _rows(url))


def _make_older(url: str) -> None:
    """As if it had been given up a week ago."""
    database = Database(StoreSettings(url=url))
    try:
        for row in _rows(url):
            older = {
                name: getattr(row, name) - timedelta(days=7) for name in ("created_at", "tried_since_at", "ended_at")
            }
            with database.writing("make older") as connection:
                connection.execute(update(deliveries).where(deliveries.c.number == row.number).values(older))
    finally:
        database.close()


def _redrive(url: str) -> None:
    database = Database(StoreSettings(url=url))
    try:
        redrive_receiver(database, "oncall")
    finally:
        database.close()
    assert DeliveryState.DEAD.value not in {row.state for row in _rows(url)}
