"""What the daemon's loop has to do with notifications: they are planned within its commits, and sent by others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from pipeline.delivery.muting import ActiveSilence, activate
from pipeline.delivery.planner import Planner
from pipeline.engine.incidents import Incident
from pipeline.errors import ConfigurationError, StoreUnavailableError
from pipeline.own_log.loggers import get_logger
from pipeline.store.records import Area, Commit, StatePart
from pipeline.store.silences import Silence
from pipeline.store.store import Snapshot, SqlStore

_log = get_logger("delivery")


class Dispatch(Protocol):
    """Sends what was planned, on threads of its own, while this process has the claim."""

    def start(self, epoch: int) -> None:
        """Begin to send."""
        ...

    def notify(self) -> None:
        """There is something new."""
        ...

    def stop(self) -> None:
        """End within seconds; what is not sent waits in the store."""
        ...


class NoDispatch:
    """Nobody is told anything."""

    def start(self, epoch: int) -> None:
        """Nothing."""

    def notify(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class Notifier:
    """The planner and the dispatch, as the loop uses them."""

    def __init__(self, planner: Planner, dispatch: Dispatch, store: SqlStore) -> None:
        self.planner = planner
        self.dispatch = dispatch
        self._store = store

    def divert(self, snapshot: Snapshot) -> tuple[Snapshot, list[StatePart]]:
        """The snapshot without the planner's parts, which are in the list when the others were read."""
        own: list[StatePart] = []
        return msgspec.structs.replace(snapshot, parts=_others(snapshot.parts, own)), own

    def recall(self, parts: list[StatePart], at: datetime) -> None:
        """Go on with what was stored.

        Raises:
            StoreUnavailableError: The database does not answer.
            StoreVersionError: What was stored is of another version.
        """
        self.planner.recall(parts, self._store.read_incidents)
        self.read_notes(at)

    def read_notes(self, at: datetime) -> None:
        """Look for acknowledgements and silences.

        Raises:
            StoreUnavailableError: The database does not answer.
        """
        notes = self._store.read_notes(self.planner.acknowledged_up_to, at)
        self.planner.silences = tuple(_activated(notes.silences))
        for number, incident_id in notes.acknowledged:
            self.planner.acknowledge(number, incident_id, at)

    def look(self, at: datetime) -> None:
        """The same, where an outage only means that it is done later."""
        try:
            self.read_notes(at)
        except StoreUnavailableError as error:
            _log.warning("notes.not_read", problem=str(error))

    def plan(self, commit: Commit, told: list[Incident], at: datetime) -> Commit:
        """The commit with what is told because of it."""
        return self.planner.plan(commit, told, at)

    def committed(self, commit: Commit) -> None:
        """What was planned is in the store."""
        if commit.deliveries:
            self.dispatch.notify()


def _activated(silences: Iterable[Silence]) -> Iterator[ActiveSilence]:
    """What cannot be read hides nothing."""
    for silence in silences:
        try:
            yield activate(silence)
        except ConfigurationError as error:
            _log.warning("silence.not_read", id=silence.id, problem=str(error))


def _others(parts: Iterator[StatePart], own: list[StatePart]) -> Iterator[StatePart]:
    for part in parts:
        if part.area is Area.DELIVERY:
            own.append(part)
        else:
            yield part
