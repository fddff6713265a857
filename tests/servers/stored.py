"""What a daemon has stored, looked at from outside as an operator does with SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, Table, select

from pipeline.engine.incidents import Incident
from pipeline.errors import StoreError
from pipeline.store.connections import Database
from pipeline.store.settings import StoreSettings
from pipeline.store.tables import claims, gaps, incidents, losses, outbox, positions, quarantine
from tests.scenarios.scenarios import canonical


class Told(NamedTuple):
    """One transition."""

    kind: str
    transition: str
    reason: str


class Stored:
    """One store."""

    def __init__(self, url: str) -> None:
        self.url = url

    def incidents(self) -> list[dict[str, Any]]:
        """Those that a replay would list, as it lists them, without what may differ between two right answers."""
        found = [msgspec.json.decode(row.body, type=Incident) for row in self._rows(incidents)]
        listed = [one for one in found if one.status != "merged" and one.transition.reason != "withdrawn"]
        return comparable(sorted(listed, key=lambda one: (one.opened_at, one.id)))

    def outbox(self) -> list[tuple[str, int, str]]:
        """Id, revision and transition of everything that was to be told, in order."""
        return [(row.incident_id, row.revision, row.transition) for row in self._rows(outbox)]

    def transitions(self) -> list[Told]:
        """Everything that was to be told, in order, with the kind of its incident."""
        told = self._rows(outbox)  # first: a commit between the two looks may bring an incident, and takes none away
        kinds = {row.id: row.kind for row in self._rows(incidents)}
        return [Told(kinds[row.incident_id], row.transition, row.reason) for row in told]

    def next_offsets(self) -> dict[str, int]:
        """Where reading goes on in each stream; nothing, while the store is away or has no tables yet."""
        try:
            return {row.stream: json.loads(row.value)["offset"] for row in self._rows(positions)}
        except StoreError:
            return {}

    def streams(self) -> set[str]:
        """Of which a place is stored."""
        return {row.stream for row in self._rows(positions)}

    def ended_streams(self) -> set[str]:
        """Those that are pod logs, and whose pod is gone."""
        return {row.stream for row in self._rows(positions) if json.loads(row.value).get("is_ended")}

    def commits(self) -> int:
        """How many commits were ever made; 0, while the store is away or has no tables yet."""
        try:
            return sum(row.commits for row in self._rows(claims))
        except StoreError:
            return 0

    def quarantined(self) -> list[Row[Any]]:
        """What was set aside, in order."""
        return list(self._rows(quarantine))

    def gaps(self) -> list[Row[Any]]:
        """What was never read, in order."""
        return list(self._rows(gaps))

    def losses(self) -> dict[tuple[str, str], int]:
        """Records by kind (quarantine or gap) and reason, counted for ever."""
        return {(row.kind, row.reason): row.count for row in self._rows(losses)}

    def _rows(self, table: Table) -> Sequence[Row[Any]]:
        database = Database(StoreSettings(url=self.url))
        try:
            with database.reading("look") as connection:
                order = [table.c.id] if "id" in table.c else []
                return connection.execute(select(table).order_by(*order)).all()
        finally:
            database.close()


def comparable(found: object) -> list[dict[str, Any]]:
    """Incidents without what differs between two right answers: also the newest transition, which says what was new."""
    listed = canonical(found)
    for incident in listed:
        incident.pop("transition")
    return listed
