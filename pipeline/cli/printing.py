"""Results on standard output, also when its reader goes away in the middle."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.report.formats import OutputFormat


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """What is printed here is wanted only as long as somebody reads it: `whystuck … | head` is no failure."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_records(records: Iterable[object], chosen: OutputFormat) -> None:
    """Print records in a format for programs."""
    from pipeline.report.serialise import serialise

    for line in serialise(records, chosen):
        print(line)
