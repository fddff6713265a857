"""Notifications and silences, for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from pipeline.report.columns import print_columns, short_time
from pipeline.report.terminal import make_console
from pipeline.store.delivery_queries import Delivery, DeliveryRow
from pipeline.store.silences import Silence


def print_delivery_rows(rows: Sequence[DeliveryRow], stream: TextIO) -> None:
    """Notifications, one a line."""
    head = ("id", "receiver", "occasion", "state", "made", "attempts", "last answer")
    print_columns(head, [_cells(row) for row in rows], stream, none="No notification in the store is like that.")


def _cells(row: DeliveryRow) -> tuple[str, ...]:
    made = short_time(row.created_at)
    return (row.id, row.receiver, row.occasion, row.state, made, str(row.attempts), _last_answer(row))


def _last_answer(row: DeliveryRow) -> str:
    said = (str(row.last_status) if row.last_status is not None else "", row.last_reason or "", row.last_detail or "")
    return " ".join(filter(None, said)) or "-"


def print_delivery(found: Delivery, stream: TextIO) -> None:
    """One notification with what it tells of."""
    console = make_console(stream, is_soft=True)
    console.print(Text(f"{found.id}: {found.occasion}, to {found.receiver}", style="bold"))
    told = ", ".join(f"{one.id} (revision {one.revision})" for one in found.incidents)
    rows = {
        "state": found.state if found.ended_at is None else f"{found.state} since {short_time(found.ended_at)}",
        "incidents": told or "-",
        "group": found.group,
        "body": f"{found.size_bytes:,} bytes of {found.content_type}",
        "made": short_time(found.created_at),
        "tried since": short_time(found.tried_since_at),
        "attempts": str(found.attempts),
        "next attempt": short_time(found.next_attempt_at) if found.next_attempt_at else "-",
        "last answer": _last_answer(found),
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        console.print(Text(f"  {name.ljust(width)}  {value}"))


def print_silences(silences: Sequence[Silence], stream: TextIO) -> None:
    """Silences, one a line."""
    head = ("id", "starts", "ends", "author", "matchers", "comment")
    rows = [
        (one.id, short_time(one.starts_at), short_time(one.ends_at), one.author, " ".join(one.matchers), one.comment)
        for one in silences
    ]
    print_columns(head, rows, stream, none="There is no silence.")
