"""A controller whose informers do not fill ends, whatever the level of its last line."""

from __future__ import annotations

import pytest

from parsers.controller import LineKind, read_controller_line
from parsers.parse import parse_line
from parsers.records import LogRecord, Origin, SourceLine

LINES = {
    "fatal": ('time="2026-03-01T11:00:30Z" level=fatal msg="failed to wait for caches to sync, exiting"', True),
    "error": ('time="2026-03-01T11:00:30Z" level=error msg="failed to wait for caches to sync"', True),
    "one kind": ('time="2026-03-01T11:00:30Z" level=error msg="failed to wait for Job caches to sync"', True),
    "client-go": ("E0301 11:00:30.000000       1 shared_informer.go:314] unable to sync caches for rollout", True),
    "client-go, in a field": (
        'E0301 11:00:30.000000       1 reflector.go:314] "Unhandled Error" err="unable to sync caches for rollout"',
        True,
    ),
    "in time": ("I0301 11:00:30.000000       1 shared_informer.go:318] Caches are synced for rollout", False),
    "waiting": (
        'time="2026-03-01T11:00:30Z" level=info msg="Waiting for controller\'s informer caches to sync"',
        False,
    ),
    "in another message": ('time="2026-03-01T11:00:30Z" level=error msg="it failed to wait for caches to sync"', False),
}


@pytest.mark.parametrize(("text", "ends"), LINES.values(), ids=LINES.keys())
def test_caches_that_do_not_fill_end_the_process(text: str, ends: bool) -> None:
    """Which lines say so."""
    record = parse_line(SourceLine(text, 1, 1, Origin(source="controller.log")))
    assert isinstance(record, LogRecord)
    assert ends == (read_controller_line(record).kind is LineKind.FATAL)
