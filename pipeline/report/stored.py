"""What a store holds, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.text import Text

from pipeline.report.columns import print_columns, short_time
from pipeline.report.terminal import make_console
from pipeline.store.queries import Acknowledgement, IncidentRow, Revision


def print_incident_rows(rows: Sequence[IncidentRow], stream: TextIO) -> None:
    """Incidents, one a line; whole, as ids are to be copied."""
    head = ("id", "status", "severity", "opened", "stuck", "seen by", "title")
    print_columns(head, [_cells(row) for row in rows], stream, none="No incident in the store is like that.")


def _cells(row: IncidentRow) -> tuple[str, ...]:
    seen_by = row.acknowledged_by or "-"
    return (row.id, row.status, row.severity, short_time(row.opened_at), str(row.victim_count), seen_by, row.title)


def print_history(revisions: Iterable[Revision], notes: Iterable[Acknowledgement], stream: TextIO) -> None:
    """What became of an incident, and who has seen it."""
    console = make_console(stream, is_soft=True)
    console.print(Text("  History", style="bold"))
    for one in revisions:
        muted = ", nobody was told" if one.is_muted else ""
        console.print(Text(f"    {short_time(one.created_at)} {one.transition} ({one.reason}){muted}"))
    for note in notes:
        comment = f": {note.comment}" if note.comment else ""
        console.print(Text(f"    {short_time(note.created_at)} acknowledged by {note.author}{comment}"))
