"""Errors that no rule knows, for a person: what is new first, with the lines to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from rich.text import Text

from pipeline.report.terminal import make_console
from pipeline.templates import Residue, Template

MAX_TEMPLATES = 8
MAX_TEXT_CHARS = 240
_STYLES = {"new": "bold yellow", "growing": "yellow", "steady": "dim"}


def print_residue(residue: Residue, stream: TextIO, *, limit: int | None = MAX_TEMPLATES) -> None:
    """Print the templates that tell most, None: all of them; nothing where everything was understood."""
    if not residue.records_count:
        return
    console = make_console(stream, is_soft=True)
    console.print()
    console.print(Text(headline_of(residue), style="bold"))
    for template in residue.templates[:limit]:
        style = _STYLES[template.trend.value]
        console.print(Text.assemble("  ", (f"{template.trend.value}: ", style), _cut(template.template)))
        for line in _lines_of(template):
            console.print(Text(f"    {line}", style="dim"))
    more = len(residue.templates) - limit if limit is not None else 0
    if more > 0:
        console.print(Text(f"  and {more:,} more: see `whystuck replay --stats`", style="dim"))
    console.print(Text("  `whystuck rules suggest PATH…` drafts rules for them", style="dim"))


def headline_of(residue: Residue) -> str:
    """How much was not understood, in one line."""
    count = len(residue.templates)
    told = {trend: sum(one.trend.value == trend for one in residue.templates) for trend in ("new", "growing")}
    trends = ", ".join(f"{number:,} {trend}" for trend, number in told.items() if number)
    records = f"{residue.records_count:,} error record{'s' if residue.records_count != 1 else ''} that no rule knows"
    ungrouped = f", {residue.ungrouped_count:,} of them in no template" if residue.ungrouped_count else ""
    noun = "template" if count == 1 else "templates"
    return f"not understood: {count:,} {noun}{f' ({trends})' if trends else ''} of {records}{ungrouped}"


def _lines_of(template: Template) -> Iterator[str]:
    first, last = (f"{at:%Y-%m-%d %H:%M:%SZ}" for at in (template.first_seen_at, template.last_seen_at))
    yield f"{template.count:,} × from {first} to {last}"
    if template.keys:
        shown = ", ".join(template.keys[:3])
        more = template.keys_count - min(3, len(template.keys))
        yield f"{shown} and {more:,} more" if more > 0 else shown
    for sample in template.samples:
        yield f"{sample.source}:{sample.line}: {_cut(sample.text)}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT_CHARS else f"{line[:MAX_TEXT_CHARS]}…"
