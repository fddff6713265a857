"""Runs the daemon over sources in memory, with a SQLite file, until everything is read; or until it dies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row

from parsers.records import Origin
from parsers.timestamps import find_time
from pipeline.config import Configuration
from pipeline.daemon.daemon import Steps
from pipeline.daemon.watch import Clocks, Loaded, Watch
from pipeline.engine.incidents import Incident
from pipeline.http_settings import HttpSettings
from pipeline.sources.live import LiveSource
from pipeline.store.connections import Database
from pipeline.store.settings import StoreSettings
from pipeline.watch_settings import WatchSettings
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.scenarios.scenarios import SCENARIOS, built_in_rules, load

FAST = WatchSettings(commit_seconds=0.0, notify_max_age_seconds=10 * 365 * 86_400.0)


class DiedError(BaseException):
    """The process is gone: nothing of it is cleaned up, as after kill -9."""


class DiesAt(Steps):
    """Dies when a step is reached for the n-th time; counts the steps."""

    def __init__(self, step: str = "", time: int = 0) -> None:
        self.counts: dict[str, int] = {}
        self._step = step
        self._time = time

    def reached(self, step: str) -> None:
        self.counts[step] = self.counts.get(step, 0) + 1
        if step == self._step and self.counts[step] == self._time:
            raise DiedError(step)


def configuration(store: Path, watch: WatchSettings = FAST) -> Configuration:
    return Configuration(watch=watch, store=StoreSettings(url=f"sqlite:///{store}"), http=HttpSettings(enabled=False))


def run(
    source: LiveSource,
    store: Path,
    *,
    others: Sequence[LiveSource] = (),
    steps: Steps | None = None,
    watch: WatchSettings = FAST,
    clocks: Clocks | None = None,
    record: Path | None = None,
) -> None:
    """Read everything that there is, and end."""
    if record is not None:
        watch = msgspec.structs.replace(watch, record=str(record))
    loaded = Loaded(configuration(store, watch), built_in_rules())
    Watch(loaded, [source, *others], "test", ends_when_caught_up=True, steps=steps, clocks=clocks).run()


def stored(store: Path) -> list[Incident]:
    """The incidents in the store that a replay would list, as a replay lists them."""
    found = [msgspec.json.decode(body, type=Incident) for (body,) in rows(store, "SELECT body FROM incidents")]
    listed = [one for one in found if one.status != "merged" and one.transition.reason != "withdrawn"]
    return sorted(listed, key=lambda one: (one.opened_at, one.id))


def outbox(store: Path) -> list[tuple[str, int, str]]:
    """Id, revision and transition of everything that was to be told, in order."""
    return [tuple(row) for row in rows(store, "SELECT incident_id, revision, transition FROM outbox ORDER BY id")]


def rows(store: Path, query: str) -> Sequence[Row[Any]]:
    """What an operator finds with SQL."""
    database = Database(StoreSettings(url=f"sqlite:///{store}"))
    try:
        with database.reading("look") as connection:
            return connection.exec_driver_sql(query).all()
    finally:
        database.close()


def logs_of(scenario: str) -> list[tuple[str, list[bytes]]]:
    """The lines of each log of a scenario."""
    return [(log, (SCENARIOS / scenario / log).read_bytes().splitlines()) for log in load(scenario).logs]


def source_of(scenario: str, *, per_read: int = 50) -> MemorySource:
    """One partition for each log; the source's time is that of the lines."""
    partitions: dict[str, Sequence[Record]] = {
        f"logs/{number}": _records(log, lines) for number, (log, lines) in enumerate(logs_of(scenario))
    }
    return MemorySource(partitions, per_read)


def _records(log: str, lines: Sequence[bytes]) -> list[Record]:
    times = accumulate((find_time(line) for line in lines), lambda newest, at: at or newest)
    origin = Origin(source=log)
    return [Record(line, origin, at.timestamp() if at else 0.0) for line, at in zip(lines, times, strict=True)]
