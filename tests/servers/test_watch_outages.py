"""The daemon as a process, while the servers around it are killed, away or full: nothing is lost, nothing doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.scenarios import replayed
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import MakeBroker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SCENARIO = "emissary-refused"

MakeDaemon = Callable[..., Watching]


@pytest.fixture(scope="module")
def one_broker(make_broker: MakeBroker) -> Broker:
    return make_broker()


@pytest.fixture
def make_daemon(tmp_path: Path) -> Iterator[MakeDaemon]:
    daemons: list[Watching] = []

    def make(**settings: Any) -> Watching:
        daemons.append(Watching(tmp_path / f"daemon-{len(daemons)}", settings))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.close()


def test_it_gives_what_a_replay_gives(one_broker: Broker, tmp_path: Path, make_daemon: MakeDaemon) -> None:
    """Nothing goes wrong: the base line of all others."""
    topics = Topics(one_broker.address())
    name, lines = topics.create(settings=KEPT), lines_of_log(SCENARIO)
    play(topics, name, lines)
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    daemon = make_daemon(store={"url": stored.url}, kafka=kafka_settings(one_broker, name))

    daemon.start()
    daemon.until(lambda: stored.next_offsets() == {f"{name}/0": len(lines)})
    ended_with = daemon.terminate()
    daemon.run_once()

    assert ended_with == 143
    assert comparable(replayed(SCENARIO)) == stored.incidents()
