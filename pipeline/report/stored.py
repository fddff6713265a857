"""What a store holds, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TextIO

from rich.text import Text

from pipeline.report.terminal import make_console
from pipeline.store.queries import Acknowledgement, IncidentRow, Revision


def print_incident_rows(rows: Sequence[IncidentRow], stream: TextIO) -> None:
    """Incidents, one a line; whole, as ids are to be copied."""
    console = make_console(stream, is_soft=True)
    if not rows:
        console.print("No incident in the store is like that.")
        return
    lines = [("id", "status", "severity", "opened", "stuck", "seen by", "title"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        console.print(Text(text, style="" if number else "bold"))


def _cells(row: IncidentRow) -> tuple[str, ...]:
    seen_by = row.acknowledged_by or "-"
    return (row.id, row.status, row.severity, _time(row.opened_at), str(row.victim_count), seen_by, row.title)


def print_history(revisions: Iterable[Revision], notes: Iterable[Acknowledgement], stream: TextIO) -> None:
    """What became of an incident, and who has seen it."""
    console = make_console(stream, is_soft=True)
    console.print(Text("  History", style="bold"))
    for one in revisions:
        muted = ", nobody was told" if one.is_muted else ""
        console.print(Text(f"    {_time(one.created_at)} {one.transition} ({one.reason}){muted}"))
    for note in notes:
        comment = f": {note.comment}" if note.comment else ""
        console.print(Text(f"    {_time(note.created_at)} acknowledged by {note.author}{comment}"))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
