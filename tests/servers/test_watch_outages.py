"""The daemon as a process, while the servers around it are killed, away or full: nothing is lost, nothing doubled."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.scenarios.scenarios import replayed
from tests.servers.cutting_proxy import Cut, cutting_proxy
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import MakeBroker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.postgresql import PostgreSQL
from tests.servers.requirement import missing
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SCENARIO = "emissary-refused"
PARTS = 4
LEASE_SECONDS = 2
SLOW_COMMIT = """
    CREATE SEQUENCE commits;
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF nextval('commits') = 3 THEN PERFORM pg_advisory_lock_shared(1); PERFORM pg_sleep(600); END IF;
    RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON positions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()
"""
"""The third COMMIT takes long, and holds a lock that shows that it has come so far. Sequences only go forward."""


@pytest.fixture(scope="module")
def one_broker(make_broker: MakeBroker) -> Broker:
    return make_broker()


class Story:
    """A log that comes in parts, and the daemons that read it."""

    def __init__(self, broker: Broker, folder: Path, url: str) -> None:
        self.broker = broker
        self.topics = Topics(broker.address())
        self.topic = self.topics.create(settings=KEPT)
        self.stored = Stored(url)
        self.daemons: list[Watching] = []
        self._folder = folder
        lines = lines_of_log(SCENARIO)
        size = len(lines) // PARTS + 1
        self._parts = [lines[start : start + size] for start in range(0, len(lines), size)]
        self._written = 0

    def daemon(self, url: str = "", **settings: Any) -> Watching:
        """One more daemon, not started."""
        store = {"url": url or self.stored.url, "migrate_at_start": "always", "lease_seconds": LEASE_SECONDS}
        store |= {"connect_timeout_seconds": 20, "statement_timeout_seconds": 120}
        sections = {"store": store, "kafka": kafka_settings(self.broker, self.topic), **settings}
        self.daemons.append(Watching(self._folder / f"daemon-{len(self.daemons)}", sections))
        return self.daemons[-1]

    def play(self) -> None:
        """The next part is written."""
        part = self._parts.pop(0)
        play(self.topics, self.topic, part)
        self._written += len(part)

    def is_read(self) -> bool:
        """Whether everything that was written is committed."""
        return self.stored.next_offsets() == {f"{self.topic}/0": self._written}

    def play_and_wait(self, daemon: Watching) -> None:
        """The next part is written, read and committed."""
        self.play()
        daemon.until(self.is_read, "everything committed")

    def end(self, daemon: Watching) -> None:
        """The rest is read; then everything is as if nothing had happened."""
        while self._parts:
            self.play_and_wait(daemon)
        daemon.terminate()
        daemon.run_once()
        assert comparable(replayed(SCENARIO)) == self.stored.incidents()
        told = [(incident, revision) for incident, revision, _transition in self.stored.outbox()]
        assert len(told) == len(set(told))
        assert self.stored.gaps() == self.stored.quarantined() == []


@pytest.fixture
def stories() -> Iterator[contextlib.ExitStack]:
    """Ends the daemons of every story."""
    with contextlib.ExitStack() as stack:
        yield stack


def _begin(stories: contextlib.ExitStack, broker: Broker, folder: Path, url: str = "") -> Story:
    story = Story(broker, folder, url or f"sqlite:///{folder}/whystuck.db")
    stories.callback(lambda: [daemon.close() for daemon in story.daemons])
    return story


def _started(story: Story, url: str = "", **settings: Any) -> Watching:
    daemon = story.daemon(url, **settings)
    daemon.start()
    daemon.until_ready()
    return daemon


def test_it_gives_what_a_replay_gives(one_broker: Broker, tmp_path: Path, stories: contextlib.ExitStack) -> None:
    """Nothing goes wrong: the base line of all others."""
    story = _begin(stories, one_broker, tmp_path)
    story.end(_started(story))


def test_broker_is_killed(one_broker: Broker, tmp_path: Path, stories: contextlib.ExitStack) -> None:
    """Twice, with kill -9: not ready meanwhile, and it goes on by itself."""
    story = _begin(stories, one_broker, tmp_path)
    daemon = _started(story)
    for _ in range(2):
        story.play()
        one_broker.kill()
        daemon.until(lambda: daemon.ask("/readyz")[0] == 503, "not ready")
        one_broker.start()
        daemon.until(story.is_read, "everything committed")
    story.end(daemon)


def test_postgresql_is_killed(
    one_broker: Broker, own_postgresql: PostgreSQL, tmp_path: Path, stories: contextlib.ExitStack
) -> None:
    """Twice: not ready meanwhile and still alive, and it goes on by itself."""
    story = _begin(stories, one_broker, tmp_path, own_postgresql.new_database())
    daemon = _started(story)
    for _ in range(2):
        story.play()
        own_postgresql.crash()
        daemon.until(lambda: daemon.ask("/readyz")[0] == 503, "not ready")
        assert 200 == daemon.ask("/livez")[0]
        own_postgresql.start()
        daemon.until(story.is_read, "everything committed")
    story.end(daemon)


def test_postgresql_is_killed_within_commit(
    one_broker: Broker, own_postgresql: PostgreSQL, tmp_path: Path, stories: contextlib.ExitStack
) -> None:
    """Nobody knows whether it was made; it is looked up."""
    story = _begin(stories, one_broker, tmp_path, own_postgresql.new_database())
    daemon = _started(story)
    story.play_and_wait(daemon)
    with psycopg.connect(story.stored.url, autocommit=True) as connection:
        connection.execute(SLOW_COMMIT)
        story.play()
        while True:  # each part makes a commit at least, and one of them is the third
            daemon.until(lambda: _is_held(connection) or story.is_read(), "within COMMIT, or committed")
            if _is_held(connection):
                break
            story.play()
    own_postgresql.crash()
    daemon.until(lambda: daemon.metric("whystuck_commits_total", outcome="unknown"), "unknown commit")
    own_postgresql.start()
    daemon.until(story.is_read, "everything committed")
    story.end(daemon)


def _is_held(connection: psycopg.Connection) -> bool:
    """Whether the slow COMMIT goes on."""
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1"
    return connection.execute(held).fetchone() != (0,)


@pytest.mark.parametrize("cut", Cut, ids=lambda cut: cut.value)
def test_network_breaks_at_commit(
    one_broker: Broker, postgresql: PostgreSQL, tmp_path: Path, stories: contextlib.ExitStack, cut: Cut
) -> None:
    """Before the word reaches the server, or after it was done and before the answer: again and again."""
    story = _begin(stories, one_broker, tmp_path, postgresql.new_database())
    database = story.stored.url.rpartition("/")[2]
    with cutting_proxy(postgresql.port, b"COMMIT") as proxy:
        daemon = _started(story, postgresql.url(database, port=proxy.port) + "?sslmode=disable&gssencmode=disable")
        for count in range(1, PARTS):
            proxy.cut = cut
            story.play()
            daemon.until(
                lambda count=count: (  # type: ignore[misc]
                    daemon.metric("whystuck_commits_total", outcome="unknown") >= count
                    or daemon.metric("whystuck_commits_total", outcome="failed") >= count
                ),
                "failed commit",
            )
            proxy.cut = None
            daemon.until(story.is_read, "everything committed")
        story.end(daemon)
        daemon.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "whystuck-test", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        missing("a small file system needs the right to mount one (root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk(one_broker: Broker, tmp_path: Path, small_disk: Path, stories: contextlib.ExitStack) -> None:
    """SQLite: it waits, says so, and goes on when there is room."""
    story = _begin(stories, one_broker, tmp_path, f"sqlite:///{small_disk}/whystuck.db")
    daemon = _started(story)
    story.play_and_wait(daemon)
    with (small_disk / "other").open("wb", buffering=0) as other, contextlib.suppress(OSError):
        while True:
            other.write(bytes(4096))
    story.play()
    daemon.until(lambda: daemon.metric("whystuck_commits_total", outcome="failed"), "failed commit")
    daemon.until(lambda: "full" in daemon.ask("/readyz")[1], "not ready, and says why")
    assert 503 == daemon.ask("/readyz")[0]
    (small_disk / "other").unlink()
    daemon.until(story.is_read, "everything committed")
    story.end(daemon)


def test_zombie_commits_nothing(
    one_broker: Broker, postgresql: PostgreSQL, tmp_path: Path, stories: contextlib.ExitStack
) -> None:
    """It stands still for longer than its lease; the standby has taken over when it goes on."""
    story = _begin(stories, one_broker, tmp_path, postgresql.new_database())
    first = _started(story)
    story.play_and_wait(first)
    second = _started(story)
    if second.metric("whystuck_role", role="active"):  # the machine was so busy that the first one lost its lease
        first, second = second, first
    first.process.send_signal(signal.SIGSTOP)
    story.play()
    second.until(story.is_read, "the standby has taken over")
    first.process.send_signal(signal.SIGCONT)
    first.until(lambda: first.metric("whystuck_role", role="standby"), "the first one stands by")
    story.play_and_wait(second)
    assert 0 == first.terminate() - 143
    story.end(second)


def test_standby_takes_over(
    one_broker: Broker, postgresql: PostgreSQL, tmp_path: Path, stories: contextlib.ExitStack
) -> None:
    """When the active one is killed, again and again."""
    story = _begin(stories, one_broker, tmp_path, postgresql.new_database())
    active, standby = _started(story), _started(story)
    for _ in range(PARTS - 1):
        story.play()
        active.kill()
        standby.until(story.is_read, "everything committed")
        active.start()
        active.until_ready()
        active, standby = standby, active
    standby.terminate()
    story.end(active)
