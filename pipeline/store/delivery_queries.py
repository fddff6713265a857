"""What people and programs ask of notifications, and the dead ones that they have sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, select, update

from pipeline.errors import UsageError
from pipeline.store.connections import Database
from pipeline.store.deliveries import DeliveryState
from pipeline.store.queries import MAX_ROWS
from pipeline.store.tables import deliveries, delivery_incidents, disabled_receivers

_IDS_AT_ONCE = 500
_GONE = disabled_receivers.c


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which notifications; what is empty or None does not matter."""

    receivers: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    incident: str | None = None
    """The id of an incident that they tell of."""


class DeliveryRow(msgspec.Struct, frozen=True):
    """One notification in a list."""

    id: str  # `webhook-id`
    receiver: str
    group: str
    occasion: str
    state: str
    incident_count: int
    size_bytes: int
    created_at: datetime
    tried_since_at: datetime  # its commit, or the last redrive
    attempts: int  # those that were begun, ever
    next_attempt_at: datetime | None
    last_status: int | None
    last_reason: str | None
    last_detail: str | None
    ended_at: datetime | None


class ToldIncident(msgspec.Struct, frozen=True):
    """An incident as a notification tells it."""

    id: str
    revision: int


class Delivery(DeliveryRow, frozen=True):
    """One notification with what it tells of."""

    content_type: str
    incidents: tuple[ToldIncident, ...]


class DisabledReceiver(msgspec.Struct, frozen=True):
    """A receiver that has said that it is gone."""

    name: str
    reason: str
    disabled_at: datetime


class DeliveryQueries:
    """Each method reads in a transaction of its own; usable from any thread.

    Every method raises StoreUnavailableError where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_rows(self, chosen: DeliveryFilter, *, limit: int, after: str | None = None) -> tuple[DeliveryRow, ...]:
        """Notifications, the newest first.

        Args:
            chosen: Which.
            limit: At most so many, and never more than `MAX_ROWS`.
            after: The id that the last page ended with; None: the first page. If it is gone, nothing comes behind it.
        """
        query = _matching(select(*_LISTED), chosen).order_by(deliveries.c.number.desc()).limit(min(limit, MAX_ROWS))
        if after is not None:
            last = select(deliveries.c.number).where(deliveries.c.id == after).scalar_subquery()
            query = query.where(deliveries.c.number < last)
        with self._database.reading("list the notifications") as connection:
            return tuple(DeliveryRow(*row) for row in connection.execute(query))

    def find(self, identity: str) -> Delivery:
        """The notification of exactly this id.

        Raises:
            UsageError: There is none.
        """
        table = delivery_incidents.c
        query = select(*_LISTED, deliveries.c.content_type, deliveries.c.number).where(deliveries.c.id == identity)
        with self._database.reading("find the notification") as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                raise _unknown(identity)
            told = select(table.incident_id, table.revision).where(table.number == row.number)
            rows = connection.execute(told.order_by(table.incident_id)).all()
        values: list[Any] = [*list(row)[:-1], tuple(ToldIncident(*each) for each in rows)]
        return Delivery(*values)

    def read_body(self, identity: str) -> bytes:
        """What is sent, byte for byte.

        Raises:
            UsageError: There is no such notification.
        """
        with self._database.reading("read the notification") as connection:
            body = connection.scalar(select(deliveries.c.body).where(deliveries.c.id == identity))
        if body is None:
            raise _unknown(identity)
        return bytes(body)

    def incidents_of(self, identities: Sequence[str]) -> tuple[str, ...]:
        """The ids of the incidents that some notifications tell of."""
        table = delivery_incidents.c
        found: set[str] = set()
        with self._database.reading("look for what is told") as connection:
            for start in range(0, len(identities), _IDS_AT_ONCE):
                chosen = deliveries.c.id.in_(identities[start : start + _IDS_AT_ONCE])
                numbers = select(deliveries.c.number).where(chosen)
                found.update(connection.scalars(select(table.incident_id).where(table.number.in_(numbers))))
        return tuple(sorted(found))

    def list_disabled(self) -> tuple[DisabledReceiver, ...]:
        """Receivers that get nothing until somebody enables them."""
        query = select(_GONE.name, _GONE.reason, _GONE.disabled_at).order_by(_GONE.name)
        with self._database.reading("list the receivers that are gone") as connection:
            return tuple(DisabledReceiver(*row) for row in connection.execute(query))


def redrive(database: Database, identities: Sequence[str]) -> None:
    """Have dead notifications sent again: under the same id, byte for byte; the first attempt is made at once.

    Attempts go on being counted: what somebody has tried to send is not superseded. All of them or none are redriven.

    Raises:
        UsageError: One of them does not exist, is not dead, or can never be sent.
        StoreUnavailableError: Nothing was changed.
    """
    table = deliveries.c
    with database.writing("send again") as connection:
        for identity in dict.fromkeys(identities):
            query = select(table.number, table.state, func.length(table.body)).where(table.id == identity)
            row = connection.execute(query).one_or_none()
            if row is None:
                raise _unknown(identity)
            _require_dead(identity, row.state, has_bytes=row[2] > 0)
            connection.execute(update(deliveries).where(table.number == row.number).values(_redriven()))


def redrive_receiver(database: Database, receiver: str) -> tuple[str, ...]:
    """Have all dead notifications of a receiver sent again, in their order; those that can never be sent stay dead.

    Returns:
        The ids.

    Raises:
        StoreUnavailableError: Nothing was changed.
    """
    table = deliveries.c
    is_chosen = (table.receiver == receiver) & (table.state == DeliveryState.DEAD.value) & (func.length(table.body) > 0)
    with database.writing("send again") as connection:
        identities = connection.scalars(select(table.id).where(is_chosen).order_by(table.number)).all()
        connection.execute(update(deliveries).where(is_chosen).values(_redriven()))
    return tuple(identities)


def enable_receiver(database: Database, name: str) -> None:
    """Send to a receiver again that has said that it is gone.

    Raises:
        UsageError: It is not disabled.
        StoreUnavailableError: Nothing was changed.
    """
    with database.writing("enable the receiver") as connection:
        done = connection.execute(delete(disabled_receivers).where(disabled_receivers.c.name == name))
        if not done.rowcount:
            raise UsageError(f"no receiver {name!r} is disabled; see `whystuck deliveries list`")


_COUNTED = (
    select(func.count())
    .where(delivery_incidents.c.number == deliveries.c.number)
    .correlate(deliveries)
    .scalar_subquery()
)
_LISTED = (
    *(deliveries.c[name] for name in ("id", "receiver", "group_id", "occasion", "state")),
    _COUNTED,
    func.length(deliveries.c.body),
    *(deliveries.c[name] for name in ("created_at", "tried_since_at", "attempts", "next_attempt_at")),
    *(deliveries.c[name] for name in ("last_status", "last_reason", "last_detail", "ended_at")),
)


def _matching(query: Select[Any], chosen: DeliveryFilter) -> Select[Any]:
    if chosen.receivers:
        query = query.where(deliveries.c.receiver.in_(chosen.receivers))
    if chosen.states:
        query = query.where(deliveries.c.state.in_(chosen.states))
    if chosen.incident is not None:
        table = delivery_incidents.c
        query = query.where(deliveries.c.number.in_(select(table.number).where(table.incident_id == chosen.incident)))
    return query


def _redriven() -> dict[str, Any]:
    return {
        "state": DeliveryState.PENDING.value,
        "tried_since_at": datetime.now(UTC),
        "next_attempt_at": None,
        "ended_at": None,
    }


def _require_dead(identity: str, state: str, *, has_bytes: bool) -> None:
    if state != DeliveryState.DEAD.value:
        raise UsageError(f"notification {identity} is {state}: only dead ones are sent again")
    if not has_bytes:
        raise UsageError(f"notification {identity} did not fit its receiver: there is nothing to send")


def _unknown(identity: str) -> UsageError:
    return UsageError(f"no notification has the id {identity!r}; see `whystuck deliveries list`")
