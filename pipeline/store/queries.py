"""What people and programs ask of the incidents. Nothing is changed here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select

from pipeline.engine.incidents import Incident
from pipeline.errors import StoreError, UsageError
from pipeline.store.connections import Database
from pipeline.store.tables import acknowledgements, incidents, losses, outbox

MAX_ROWS = 1000
"""Of one page: who wants more asks for the next one."""
_ROWS_AT_ONCE = 100
_MAX_SHOWN_MATCHES = 5
_ID = re.compile(r"[0-9a-f]{1,64}")


class IncidentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents; what is empty or None does not matter."""

    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    since: datetime | None = None
    """Changed at this time or later …"""
    until: datetime | None = None
    """… and opened before this time."""


class IncidentRow(msgspec.Struct, frozen=True):
    """One incident in a list."""

    id: str
    cluster: str | None
    kind: str
    status: str
    severity: str
    failure_class: str = msgspec.field(name="class")
    title: str
    victim_count: int
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    revision: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None


class Acknowledgement(msgspec.Struct, frozen=True):
    """Somebody says that he or she has seen an incident."""

    author: str
    comment: str
    created_at: datetime


class Revision(msgspec.Struct, frozen=True):
    """A change of an incident that was to be told."""

    revision: int
    transition: str
    reason: str
    is_muted: bool
    created_at: datetime


class OpenCount(msgspec.Struct, frozen=True):
    """How many incidents are open."""

    kind: str
    severity: str
    failure_class: str
    count: int


class LossCount(msgspec.Struct, frozen=True):
    """How many records are not in any incident, ever since the store was made."""

    kind: str  # quarantine | gap
    source: str
    reason: str
    count: int


class IncidentQueries:
    """Each method reads in a transaction of its own; usable from any thread.

    Every method raises StoreUnavailableError where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_rows(self, chosen: IncidentFilter, *, limit: int, after: str | None = None) -> tuple[IncidentRow, ...]:
        """Incidents, the newest first.

        Args:
            chosen: Which.
            limit: At most so many, and never more than `MAX_ROWS`.
            after: The id that the last page ended with; None: the first page.
        """
        newest = select(func.max(acknowledgements.c.id)).group_by(acknowledgements.c.incident_id)
        has_seen = and_(acknowledgements.c.incident_id == incidents.c.id, acknowledgements.c.id.in_(newest))
        query = (
            select(*_LISTED, acknowledgements.c.author, acknowledgements.c.created_at)
            .outerjoin(acknowledgements, has_seen)
            .where(*_conditions(chosen))
            .order_by(incidents.c.opened_at.desc(), incidents.c.id.desc())
            .limit(min(limit, MAX_ROWS))
        )
        if after is not None:
            query = query.where(_is_older(after))
        with self._database.reading("list the incidents") as connection:
            return tuple(IncidentRow(*list(row)) for row in connection.execute(query))

    def read_incidents(self, chosen: IncidentFilter) -> Iterator[Incident]:
        """All of them as they are now, the oldest first.

        Raises:
            StoreError: One of them cannot be read.
        """
        query = (
            select(incidents.c.id, incidents.c.body)
            .where(*_conditions(chosen))
            .order_by(incidents.c.opened_at, incidents.c.id)
        )
        with self._database.reading("read the incidents") as connection:
            for identity, body in connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}):
                yield decode_incident(identity, body)

    def read_some(self, identities: Sequence[str]) -> Iterator[Incident]:
        """Those of these ids that are still there.

        Raises:
            StoreError: One of them cannot be read.
        """
        with self._database.reading("read the incidents") as connection:
            for start in range(0, len(identities), _ROWS_AT_ONCE):
                chosen = incidents.c.id.in_(identities[start : start + _ROWS_AT_ONCE])
                for identity, body in connection.execute(select(incidents.c.id, incidents.c.body).where(chosen)):
                    yield decode_incident(identity, body)

    def find(self, prefix: str) -> Incident:
        """The incident whose id begins so.

        Raises:
            UsageError: There is none, or more than one.
            StoreError: It cannot be read.
        """
        found: list[tuple[str, bytes]] = []
        if _ID.fullmatch(prefix):
            query = select(incidents.c.id, incidents.c.body).where(incidents.c.id.startswith(prefix))
            with self._database.reading("find the incident") as connection:
                rows = connection.execute(query.order_by(incidents.c.id).limit(_MAX_SHOWN_MATCHES))
                found = [(identity, body) for identity, body in rows]
        match found:
            case [(identity, body)]:
                return decode_incident(identity, body)
            case []:
                raise UsageError(f"no incident has an id that begins with {prefix!r}; see `whystuck incidents list`")
        names = ", ".join(identity for identity, _ in found)
        raise UsageError(f"several incidents have an id that begins with {prefix!r}: {names}")

    def read_acknowledgements(self, incident_id: str) -> tuple[Acknowledgement, ...]:
        """All of an incident, the oldest first."""
        table = acknowledgements.c
        query = select(table.author, table.comment, table.created_at).where(table.incident_id == incident_id)
        with self._database.reading("read the acknowledgements") as connection:
            return tuple(Acknowledgement(*row) for row in connection.execute(query.order_by(table.id)))

    def read_history(self, incident_id: str) -> tuple[Revision, ...]:
        """The changes of an incident, the oldest first."""
        table = outbox.c
        query = select(table.revision, table.transition, table.reason, table.is_muted, table.created_at)
        with self._database.reading("read the history") as connection:
            rows = connection.execute(query.where(table.incident_id == incident_id).order_by(table.id))
            return tuple(Revision(*row) for row in rows)

    def count_open(self) -> tuple[OpenCount, ...]:
        """Open incidents by what they are."""
        by = (incidents.c.kind, incidents.c.severity, incidents.c.failure_class)
        query = select(*by, func.count()).where(incidents.c.status == "open").group_by(*by).order_by(*by)
        with self._database.reading("count the incidents") as connection:
            return tuple(OpenCount(*row) for row in connection.execute(query))

    def count_losses(self) -> tuple[LossCount, ...]:
        """Records that were set aside or never read, by why."""
        query = select(losses).order_by(*losses.primary_key)
        with self._database.reading("count the losses") as connection:
            return tuple(LossCount(*row) for row in connection.execute(query))


_LISTED = tuple(
    incidents.c[name]
    for name in (
        "id", "cluster", "kind", "status", "severity", "failure_class", "title", "victim_count", "opened_at",
        "updated_at", "resolved_at", "revision",
    )
)  # fmt: skip


def decode_incident(identity: str, body: bytes) -> Incident:
    """An incident out of its JSON.

    Raises:
        StoreError: It is damaged, or of a form that this whystuck does not know.
    """
    try:
        return msgspec.json.decode(body, type=Incident)
    except msgspec.DecodeError as error:
        raise StoreError(f"incident {identity} cannot be read: {error}; run `whystuck store check`") from error


def _conditions(chosen: IncidentFilter) -> list[ColumnElement[bool]]:
    wanted = (
        (incidents.c.status, chosen.statuses),
        (incidents.c.severity, chosen.severities),
        (incidents.c.kind, chosen.kinds),
        (incidents.c.failure_class, chosen.classes),
        (incidents.c.cluster, chosen.clusters),
    )
    conditions: list[ColumnElement[bool]] = [column.in_(values) for column, values in wanted if values]
    if chosen.since is not None:
        conditions.append(incidents.c.updated_at >= chosen.since)
    if chosen.until is not None:
        conditions.append(incidents.c.opened_at < chosen.until)
    return conditions


def _is_older(identity: str) -> ColumnElement[bool]:
    """Whether an incident comes behind this one in a list. If this one is gone, nothing does."""
    opened_at = select(incidents.c.opened_at).where(incidents.c.id == identity).scalar_subquery()
    return or_(incidents.c.opened_at < opened_at, and_(incidents.c.opened_at == opened_at, incidents.c.id < identity))
