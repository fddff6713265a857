"""A daemon that never ends by itself, and is ended by SIGTERM when its sources have had nothing for a while."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from pipeline.daemon.watch import Clocks, Loaded, Watch
from pipeline.engine.settings import EngineSettings
from pipeline.errors import InterruptionError
from pipeline.sources.live import Fetched, LiveSource, SourceStatus
from pipeline.watch_settings import WatchSettings
from tests.pipeline.daemon.running import FAST, configuration
from tests.scenarios.scenarios import built_in_rules

IDLE_LOOKS = 30
"""So often the daemon asks how a source is, before it ends: what was taken has been thought about by then."""
HURRY = 100
"""How much faster than ours the daemon's clock goes: what it does every few seconds is done within the test."""


class Endable(LiveSource, Protocol):
    """A source of which it is known when everything was taken."""

    def is_taken(self) -> bool:
        """Whether everything that there is was decided upon, and is in the store."""
        ...


class EndsTheProcess:
    """Ends the process as an operator does, when all sources have long been dry."""

    def __init__(self, source: Endable, others: Sequence[Endable]) -> None:
        self._source = source
        self._others = others
        self._looks = 0

    @property
    def name(self) -> str:
        return self._source.name

    def start(self, positions: Mapping[str, bytes]) -> None:
        self._source.start(positions)

    def read(self, timeout_seconds: float) -> Fetched | None:
        fetched = self._source.read(timeout_seconds)
        if not all(one.is_taken() for one in (self._source, *self._others)):
            self._looks = 0
        elif self._looks >= IDLE_LOOKS:
            os.kill(os.getpid(), signal.SIGTERM)
            self._looks = -1_000_000
        return fetched

    def position(self, stream: str, line: int) -> bytes:
        return self._source.position(stream, line)

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        self._source.acknowledge(lines)

    def status(self) -> SourceStatus:
        if threading.current_thread() is threading.main_thread():  # that of the daemon's loop
            self._looks += 1
        return self._source.status()

    def close(self) -> None:
        self._source.close()


def live(
    sources: Sequence[Endable],
    store: Path,
    record: Path,
    watch: WatchSettings = FAST,
    *,
    hurry: int = HURRY,
    engine: EngineSettings | None = None,
    reloaded: WatchSettings | None = None,
) -> None:
    """Let a daemon live until nothing comes any more; `reloaded` is what SIGHUP finds."""
    first, *others = sources
    settings = msgspec.structs.replace(watch, record=str(record), idle_seconds=0.05)
    configured = msgspec.structs.replace(configuration(store, settings), engine=engine or EngineSettings())
    loaded = Loaded(configured, built_in_rules())
    clocks = Clocks(monotonic=lambda: time.monotonic() * hurry)
    again = msgspec.structs.replace(configured, watch=reloaded or settings)
    with pytest.raises(InterruptionError):
        Watch(
            loaded,
            [EndsTheProcess(first, others), *others],
            "test",
            load=lambda: Loaded(again, loaded.rules),
            clocks=clocks,
        ).run()
