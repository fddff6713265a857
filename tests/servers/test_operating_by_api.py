"""What operators do through the API reaches the daemon that runs: silences, and dead letters sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.hostile_receiver import Answer, HostileReceiver
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
TOKEN = "e2e-write-token"
SCENARIO = "seed-emissary-expired"


class _Desk:
    """An operator with the API's token."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(
            base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=240
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def states(self) -> dict[str, str]:
        """Of every notification, by id."""
        return {row["id"]: row["state"] for row in self.ask("GET", "/deliveries")["deliveries"]}

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def topic(broker: Broker) -> str:
    return Topics(broker.address()).create(settings=KEPT)


def _settings(broker: Broker, topic: str, receiver: str, folder: Path) -> dict[str, Any]:
    token = folder / "token"
    token.write_text(TOKEN, encoding="utf-8")
    oncall = {"name": "oncall", "url": receiver, "allow_networks": ["127.0.0.0/8"]}
    return {
        "store": {"url": f"sqlite:///{folder}/whystuck.db"},
        "http": {"api_write_token_file": str(token)},
        "kafka": kafka_settings(broker, topic),
        "watch": {"commit_seconds": 0.05, "idle_seconds": 0.2, "notify_max_age_seconds": "36500d"},
        "delivery": {"receivers": [oncall], "group_interval_seconds": 36_000},
        "engine": {"severity": {"critical_seconds": 10**9}},  # else it may be told twice: opened, then got worse
    }


def _occasions(receiver: HostileReceiver) -> list[str]:
    return [
        name for one in receiver.received for name in ("opened", "resolved") if f'"name":"{name}"'.encode() in one.body
    ]


@pytest.fixture
def receiver() -> Iterator[HostileReceiver]:
    with HostileReceiver() as listening:
        yield listening


def _broken_lines() -> list[bytes]:
    """The story up to its last failure."""
    lines = lines_of_log(SCENARIO)
    last = max(number for number, line in enumerate(lines) if b"syncHandler queue retries" in line)
    return lines[: last + 2]


def test_silence_holds_a_message_back_until_it_is_ended(
    broker: Broker, topic: str, receiver: HostileReceiver, tmp_path: Path
) -> None:
    """The daemon runs all the while; the incident is in the store, and nobody is told before the silence ends."""
    with closing(Watching(tmp_path / "daemon", _settings(broker, topic, receiver.url, tmp_path))) as daemon:
        daemon.start()
        daemon.until_ready()
        with closing(_Desk(daemon.address)) as desk:
            ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            question = {"matchers": ['namespace="production"'], "ends_at": ends_at, "author": "ann", "comment": "known"}
            silence = desk.ask("POST", "/silences", question)["id"]
            play(Topics(broker.address()), topic, _broken_lines())

            daemon.until(lambda: desk.ask("GET", "/incidents?status=open")["incidents"], "an incident is open")
            daemon.until(lambda: daemon.metric("whystuck_lag_records") == 0, "caught up")
            assert {} == desk.states()

            desk.ask("DELETE", f"/silences/{silence}")
            receiver.wait_for(lambda received: len(received) == 1)
            daemon.until(lambda: list(desk.states().values()) == ["sent"], "sent")
        assert ["opened"] == _occasions(receiver)


def test_dead_letter_is_sent_again_while_the_daemon_runs(broker: Broker, topic: str, tmp_path: Path) -> None:
    """Under the same id, with the same bytes."""
    is_refusing = [True]
    with HostileReceiver(lambda _: Answer(status=400 if is_refusing else 200)) as receiver:
        settings = _settings(broker, topic, receiver.url, tmp_path)
        play(Topics(broker.address()), topic, _broken_lines())
        with closing(Watching(tmp_path / "daemon", settings)) as daemon:
            daemon.start()
            daemon.until_ready()
            with closing(_Desk(daemon.address)) as desk:
                daemon.until(lambda: list(desk.states().values()) == ["dead"], "dead")
                is_refusing.clear()
                (letter,) = desk.states()
                desk.ask("POST", f"/deliveries/{letter}/redrive")
                daemon.until(lambda: desk.states() == {letter: "sent"}, "sent")
        first, last = receiver.received[0], receiver.received[-1]
        assert (first.id, first.body) == (last.id, last.body)
