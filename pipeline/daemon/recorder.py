"""What the ingestion tells somebody who writes it down: everything that changes its state, at the moment it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.readers import StreamReaders
from pipeline.sources.live import Fetched
from pipeline.watch_settings import WatchSettings

Place = tuple[str, str]
"""A source and its stream."""


class Recorder(Protocol):
    """What the ingestion tells of itself."""

    def resumed(self, streams: Mapping[Place, StreamReaders], engine: Engine, settings: WatchSettings) -> None:
        """The state is that of the store now, and streams stand there; both are used until the next call."""
        ...

    def read(self, source: str, fetched: Fetched, at: datetime) -> None:
        """This will be taken in."""
        ...

    def released(self, place: Place, position: int, at: datetime, idle: timedelta) -> None:
        """What was held back of a stream was decided upon, of origins that were silent for so long."""
        ...

    def evaluated(self, engine: Engine, advanced_to: datetime | None = None) -> None:
        """Incidents were looked for."""
        ...

    def forgot(self, before: datetime) -> None:
        """What was over will be forgotten."""
        ...

    def finished(self, at: datetime) -> None:
        """Everything that was held back will be decided upon."""
        ...

    def prepared(self, changes: Sequence[Incident]) -> None:
        """A commit is about to be made, which tells of these changes."""
        ...

    def committed(self) -> None:
        """It was made."""
        ...


class NoRecorder:
    """Nothing is recorded."""

    def resumed(self, streams: Mapping[Place, StreamReaders], engine: Engine, settings: WatchSettings) -> None:
        """Nothing."""

    def read(self, source: str, fetched: Fetched, at: datetime) -> None:
        """Nothing."""

    def released(self, place: Place, position: int, at: datetime, idle: timedelta) -> None:
        """Nothing."""

    def evaluated(self, engine: Engine, advanced_to: datetime | None = None) -> None:
        """Nothing."""

    def forgot(self, before: datetime) -> None:
        """Nothing."""

    def finished(self, at: datetime) -> None:
        """Nothing."""

    def prepared(self, changes: Sequence[Incident]) -> None:
        """Nothing."""

    def committed(self) -> None:
        """Nothing."""
