"""Recognised lines for a person: place, class, what is named, the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from rich.text import Text

from pipeline.report.terminal import make_console

if TYPE_CHECKING:
    from pipeline.classification import ClassifiedLine


def print_classified(lines: Iterable[ClassifiedLine], stream: TextIO) -> None:
    """Print one line for each recognised record, as they come."""
    console = make_console(stream, is_soft=True)
    for line in lines:
        named = line.webhook or line.service or line.kind or line.peer or ""
        subject = line.key or ""
        head = (f"{line.source}:{line.line}: ", "dim"), (f"{line.failure_class:<24} ", "bold")
        console.print(Text.assemble(*head, " ".join(part for part in (subject, named) if part), "  ", line.text[:200]))
