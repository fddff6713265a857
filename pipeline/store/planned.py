"""Notifications of a commit become rows of `deliveries`, within its transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from pipeline.store.records import Commit, PlannedDelivery
from pipeline.store.tables import deliveries, delivery_incidents

_SUPERSEDABLE = ("updated", "reminder")
"""That something opened or ended is told in any case."""


def write_deliveries(connection: Connection, commit: Commit) -> None:
    """Freeze what is to be sent. What it makes needless, and nobody has tried to send, is not sent any more."""
    for planned in commit.deliveries:
        if planned.supersedes:
            _supersede(connection, planned, commit.at)
        number = connection.execute(
            insert(deliveries).values(_row_of(planned, commit.at)).returning(deliveries.c.number)
        ).scalar_one()
        rows = [
            {"number": number, "incident_id": incident, "revision": revision}
            for incident, revision in planned.incidents
        ]
        if rows:
            connection.execute(insert(delivery_incidents), rows)


def _row_of(planned: PlannedDelivery, at: datetime) -> dict[str, Any]:
    return {
        "id": planned.id,
        "receiver": planned.receiver,
        "group_id": planned.group,
        "occasion": planned.occasion,
        "state": "dead" if planned.problem else "pending",
        "body": planned.body,
        "content_type": planned.content_type,
        "key_field": planned.key_field,
        "created_at": at,
        "tried_since_at": at,
        "attempts": 0,
        "last_reason": "unfit" if planned.problem else None,
        "last_detail": planned.problem or None,
        "ended_at": at if planned.problem else None,
    }


def _supersede(connection: Connection, planned: PlannedDelivery, at: datetime) -> None:
    table = deliveries.c
    connection.execute(
        update(deliveries)
        .where(
            table.receiver == planned.receiver,
            table.state == "pending",
            table.group_id == planned.group,
            table.attempts == 0,
            table.occasion.in_(_SUPERSEDABLE),
        )
        .values(state="superseded", ended_at=at)
    )
