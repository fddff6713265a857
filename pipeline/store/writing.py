"""What a commit writes, table by table, within the transaction of the caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from parsers.text import scrub
from pipeline.engine.incidents import Incident
from pipeline.store.planned import write_deliveries
from pipeline.store.records import Commit, Gap, Quarantined, StatePart, StoredPosition
from pipeline.store.tables import gaps, incidents, losses, outbox, positions, quarantine, state_parts

MAX_SAMPLE_CHARS = 4096
MAX_DETAIL_CHARS = 1024

Rows = Sequence[dict[str, Any]]


def write_commit(connection: Connection, commit: Commit, *, max_quarantined: int) -> None:
    """Write everything that a batch changed."""
    _write_parts(connection, commit.parts)
    _write_positions(connection, commit.positions)
    _delete_positions(connection, commit.over)
    _write_incidents(connection, commit)
    _write_losses(connection, commit, max_rows=max_quarantined)
    write_deliveries(connection, commit)


def _write_parts(connection: Connection, parts: Iterable[StatePart]) -> None:
    newest = {(part.area.value, part.owner, part.name): part.value for part in parts}
    rows = [
        {"area": area, "owner": owner, "name": name, "value": value}
        for (area, owner, name), value in newest.items()
        if value is not None
    ]
    _upsert(connection, state_parts, rows)
    gone = [{"a": area, "o": owner, "n": name} for (area, owner, name), value in newest.items() if value is None]
    if gone:
        table = state_parts.c
        connection.execute(
            delete(state_parts).where(
                table.area == bindparam("a"), table.owner == bindparam("o"), table.name == bindparam("n")
            ),
            gone,
        )


def _write_positions(connection: Connection, found: Iterable[StoredPosition]) -> None:
    newest = {(one.source, one.stream): one.value for one in found}
    rows = [{"source": source, "stream": stream, "value": value} for (source, stream), value in newest.items()]
    _upsert(connection, positions, rows)


def _delete_positions(connection: Connection, over: Iterable[tuple[str, str]]) -> None:
    rows = [{"s": source, "t": stream} for source, stream in over]
    if rows:
        table = positions.c
        found = delete(positions).where(table.source == bindparam("s"), table.stream == bindparam("t"))
        connection.execute(found, rows)


def _write_incidents(connection: Connection, commit: Commit) -> None:
    newest = {incident.id: incident for incident in (*commit.incidents, *commit.refreshed)}
    _upsert(connection, incidents, [_row_of_incident(incident) for incident in newest.values()])
    notes = [
        _row_of_outbox(incident, commit.at, is_muted=incident.id in commit.unnotified) for incident in commit.incidents
    ]
    if notes:
        connection.execute(insert(outbox), notes)


def _row_of_incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "cluster": incident.cluster,
        "kind": incident.kind,
        "status": incident.status,
        "severity": incident.severity,
        "failure_class": incident.cause.failure_class,
        "title": incident.title,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "resolved_at": incident.resolved_at,
        "revision": incident.revision,
        "victim_count": len(incident.victims),
        "body": msgspec.json.encode(incident),
    }


def _row_of_outbox(incident: Incident, at: datetime, *, is_muted: bool) -> dict[str, Any]:
    return {
        "incident_id": incident.id,
        "revision": incident.revision,
        "transition": incident.transition.name,
        "reason": incident.transition.reason,
        "is_muted": is_muted,
        "body": msgspec.json.encode(incident),
        "created_at": at,
    }


def _write_losses(connection: Connection, commit: Commit, *, max_rows: int) -> None:
    if commit.quarantined:
        rows = [_row_of_quarantine(one, commit.at) for one in commit.quarantined[-max_rows:]]
        _append(connection, quarantine, rows, max_rows=max_rows)
    if commit.gaps:
        _append(connection, gaps, [_row_of_gap(one, commit.at) for one in commit.gaps[-max_rows:]], max_rows=max_rows)
    counts: dict[tuple[str, str, str], int] = {}
    for one in commit.quarantined:
        key = ("quarantine", one.source, one.reason.value)
        counts[key] = counts.get(key, 0) + one.last - one.first + 1
    for gap in commit.gaps:
        key = ("gap", gap.source, gap.reason)
        counts[key] = counts.get(key, 0) + (1 if gap.last is None else gap.last - gap.first + 1)
    _add(connection, [{"kind": k, "source": s, "reason": r, "count": count} for (k, s, r), count in counts.items()])


def _row_of_quarantine(one: Quarantined, at: datetime) -> dict[str, Any]:
    return {
        "source": one.source,
        "stream": one.stream,
        "first": one.first,
        "last": one.last,
        "reason": one.reason.value,
        "detail": scrub(one.detail)[:MAX_DETAIL_CHARS],
        "at": one.at,
        "size_bytes": one.size_bytes,
        "sample": scrub(one.sample)[:MAX_SAMPLE_CHARS],
        "sha256": one.sha256,
        "created_at": at,
    }


def _row_of_gap(one: Gap, at: datetime) -> dict[str, Any]:
    return {
        "source": one.source,
        "stream": one.stream,
        "first": one.first,
        "last": one.last,
        "reason": one.reason,
        "detail": scrub(one.detail)[:MAX_DETAIL_CHARS],
        "created_at": at,
    }


def _append(connection: Connection, table: Table, rows: Rows, *, max_rows: int) -> None:
    """Add rows and delete the oldest beyond the limit; numbers of rows grow, with holes at most."""
    connection.execute(insert(table), rows)
    newest = select(func.max(table.c.id)).scalar_subquery()
    connection.execute(delete(table).where(table.c.id <= newest - max_rows))


def _add(connection: Connection, rows: Rows) -> None:
    if not rows:
        return
    adding = _insert_of(connection)(losses)
    connection.execute(
        adding.on_conflict_do_update(
            index_elements=list(losses.primary_key), set_={"count": losses.c.count + adding.excluded["count"]}
        ),
        rows,
    )


def _upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, or put them in the place of those with the same key. No key may come twice."""
    if not rows:
        return
    adding = _insert_of(connection)(table)
    keys = list(table.primary_key)
    others = {one.key: adding.excluded[one.key] for one in table.columns if one not in keys}
    connection.execute(adding.on_conflict_do_update(index_elements=keys, set_=others), rows)


def _insert_of(connection: Connection) -> Any:  # noqa: ANN401  # two classes with the same methods and no common base
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
