"""A daemon that never ends by itself, and is ended by SIGTERM when its sources have had nothing for a while."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from pipeline.daemon.watch import Clocks, Loaded, Watch
from pipeline.engine.settings import EngineSettings
from pipeline.errors import InterruptionError
from pipeline.sources.live import Fetched, LiveSource, SourceStatus
from pipeline.watch_settings import WatchSettings
from tests.pipeline.daemon.running import FAST, configuration
from tests.scenarios.scenarios import built_in_rules

IDLE_READS = 40
HURRY = 100
"""How much faster than ours the daemon's clock goes: what it does every few seconds is done within the test."""


class EndsTheProcess:
    """Ends the process as an operator does, when a source has long been dry."""

    def __init__(self, source: LiveSource, others: Sequence[LiveSource] = ()) -> None:
        self._source = source
        self._others = others
        self._idle_reads = 0

    @property
    def name(self) -> str:
        return self._source.name

    def start(self, positions: Mapping[str, bytes]) -> None:
        self._source.start(positions)

    def read(self, timeout_seconds: float) -> Fetched | None:
        fetched = self._source.read(timeout_seconds)
        is_dry = fetched is None and all(one.status().is_caught_up for one in (self._source, *self._others))
        self._idle_reads = self._idle_reads + 1 if is_dry else 0
        if self._idle_reads == IDLE_READS:
            os.kill(os.getpid(), signal.SIGTERM)
        return fetched

    def position(self, stream: str, line: int) -> bytes:
        return self._source.position(stream, line)

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        self._source.acknowledge(lines)

    def status(self) -> SourceStatus:
        return self._source.status()

    def close(self) -> None:
        self._source.close()


def live(
    sources: Sequence[LiveSource],
    store: Path,
    record: Path,
    watch: WatchSettings = FAST,
    *,
    hurry: int = HURRY,
    engine: EngineSettings | None = None,
) -> None:
    """Let a daemon live until nothing comes any more."""
    first, *others = sources
    settings = msgspec.structs.replace(watch, record=str(record), idle_seconds=0.05)
    configured = msgspec.structs.replace(configuration(store, settings), engine=engine or EngineSettings())
    loaded = Loaded(configured, built_in_rules())
    clocks = Clocks(monotonic=lambda: time.monotonic() * hurry)
    with pytest.raises(InterruptionError):
        Watch(loaded, [EndsTheProcess(first, others), *others], "test", clocks=clocks).run()
