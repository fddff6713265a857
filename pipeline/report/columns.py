"""Rows of text in columns, for a person; whole, as what stands there is to be copied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from rich.text import Text

from pipeline.report.terminal import make_console


def print_columns(head: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, *, none: str) -> None:
    """The rows below their head, or what is said where there are none."""
    console = make_console(stream, is_soft=True)
    if not rows:
        console.print(Text(none))
        return
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        console.print(Text(text, style="" if number else "bold"))


def short_time(at: datetime) -> str:
    """A time to the second."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
