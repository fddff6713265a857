"""What is old enough is deleted, a bounded number of rows at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.sql.elements import ColumnElement

from pipeline.store.tables import deliveries, incidents, outbox, silences


def delete_expired(connection: Connection, before: datetime, limit: int) -> int:
    """Delete incidents that ended before a time, with all that hangs on them, older changes, deliveries and silences.

    Returns:
        How many rows went, without those that went along; as many as `limit` means that there may be more.
    """
    ended_at = func.coalesce(incidents.c.resolved_at, incidents.c.updated_at)
    gone = _delete(connection, incidents, (incidents.c.status != "open") & (ended_at < before), limit)
    gone += _delete(connection, outbox, outbox.c.created_at < before, limit - gone)
    gone += _delete(connection, deliveries, deliveries.c.ended_at < before, limit - gone)
    return gone + _delete(connection, silences, silences.c.ends_at < before, limit - gone)


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool], limit: int) -> int:
    chosen = select(table.c.id).where(condition).limit(limit)
    return connection.execute(delete(table).where(table.c.id.in_(chosen))).rowcount
