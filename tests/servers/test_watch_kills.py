"""The daemon is killed with SIGKILL wherever it stands: nothing is skipped, counted twice, or told twice."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.scenarios import replayed
from tests.servers.dying import POINTS
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.postgresql import PostgreSQL
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

SCENARIO = "seed-emissary-expired"
SMALL_STEPS = {"batch_lines": 40, "commit_seconds": 0.02, "idle_seconds": 0.2}
"""Many commits in few lines: each kill strikes between two of them, or within one."""
RANDOM_KILLS = 15
LONG_KILLS = int(os.environ.get("WHYSTUCK_TEST_KILLS", "500"))


class Life:
    """A daemon that dies again and again, and the log that it reads meanwhile."""

    def __init__(self, broker: Broker, folder: Path, store: dict[str, Any], lives: int) -> None:
        self.topics = Topics(broker.address())
        self.topic = self.topics.create(settings=KEPT)
        self.stored = Stored(store["url"])
        self.commits_at_death: list[int] = []
        lines = lines_of_log(SCENARIO)
        size = len(lines) // (lives + 1) + 1
        self._parts = [lines[start : start + size] for start in range(0, len(lines), size)]
        settings = {
            "store": {**store, "lease_seconds": 1},
            "kafka": kafka_settings(broker, self.topic, max_poll_records=20),
            "watch": SMALL_STEPS,
        }
        self._folder, self._settings = folder, settings
        self.daemon = Watching(folder, settings)

    def play(self) -> bool:
        """The next part of the log is written; it is there then. Whether there was one."""
        if self._parts:
            play(self.topics, self.topic, self._parts.pop(0))
            return True
        return False

    def die_at(self, point: str, times: int) -> None:
        """One life, that ends at a point."""
        command = (sys.executable, "-m", "tests.servers.dying", point, str(times))
        with closing(Watching(self._folder / "mortal", self._settings, command)) as mortal:
            mortal.start()
            self.play()
            assert -9 == mortal.wait(), mortal.printed()[-2000:]
        self._note_death()

    def die_at_random(self, chance: random.Random) -> None:
        """One life, that ends at any moment, the start included; four in five have committed something."""
        before = self.stored.commits()
        self.daemon.start()
        is_played = self.play()
        if chance.random() < 0.8 and is_played:
            self.daemon.until(lambda: self.stored.commits() > before, "a commit")
        time.sleep(chance.uniform(0, 0.5))
        self.daemon.kill()
        self._note_death()

    def end(self) -> None:
        """The rest is read; then everything is as if nothing had happened."""
        while self._parts:
            self.play()
        self.daemon.run_once()
        assert comparable(replayed(SCENARIO)) == self.stored.incidents()
        revisions: dict[str, list[int]] = {}
        for incident, revision, _transition in self.stored.outbox():
            revisions.setdefault(incident, []).append(revision)
        assert {incident: list(range(1, len(told) + 1)) for incident, told in revisions.items()} == revisions
        assert self.stored.gaps() == self.stored.quarantined() == []

    def _note_death(self) -> None:
        self.commits_at_death.append(self.stored.commits())


def _lived(life: Life, points: Iterable[str | None], seed: int) -> None:
    """One death after the other, each at a point of the path; None: at random."""
    chance = random.Random(seed)
    for point in points:
        if point is None:
            life.die_at_random(chance)
        else:
            life.die_at(point, chance.randint(1, 12 if point == "statement" else 3))
    deaths = life.commits_at_death
    assert deaths == sorted(deaths)
    assert len(set(deaths)) > len(deaths) / 3, "it died at the same place again and again"
    life.end()


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed(broker: Broker, postgresql: PostgreSQL, tmp_path: Path, kind: str) -> None:
    """At every point once, and 15 times at random."""
    url = f"sqlite:///{tmp_path}/whystuck.db" if kind == "sqlite" else postgresql.new_database()
    deaths: list[str | None] = [*POINTS, *[None] * RANDOM_KILLS]
    random.Random(kind).shuffle(deaths)
    life = Life(broker, tmp_path / "daemon", {"url": url, "migrate_at_start": "always"}, lives=len(deaths))
    _lived(life, deaths, seed=len(kind))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_very_often(broker: Broker, postgresql: PostgreSQL, tmp_path: Path, kind: str) -> None:
    """500 times in all, over and over the same log, each time another place."""
    done = 0
    while done < LONG_KILLS // 2:
        kills = min(25, LONG_KILLS // 2 - done)
        url = f"sqlite:///{tmp_path}/{done}.db" if kind == "sqlite" else postgresql.new_database()
        store = {"url": url, "migrate_at_start": "always"}
        deaths = islice(chain.from_iterable((point, None) for point in cycle(POINTS)), kills)
        _lived(Life(broker, tmp_path / f"daemon-{done}", store, lives=kills), deaths, seed=1000 + done)
        done += kills
