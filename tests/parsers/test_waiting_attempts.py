"""Attempts of which a log has not the line that counts them, or has it without its key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.events import SyncFailed
from parsers.failures import FailureFinder
from parsers.records import Origin, SourceLine
from parsers.rules.loader import load_rules
from parsers.stream import StreamReader

FINDER = FailureFinder(load_rules())
RIGHT = 'services \\"a\\" is forbidden: User \\"jane\\" cannot patch resource \\"services\\" in API group \\"\\"'
GONE = 'rollouts.argoproj.io \\"web\\" not found'
QUOTA = 'replicasets.apps \\"a\\" is forbidden: exceeded quota: team'


def _line(second: int, text: str, fields: str = "") -> str:
    return f'time="2031-02-03T04:05:{second:02}Z" level=error msg="{text}"{fields}'


def _key(name: str) -> str:
    return f" namespace=shop rollout={name}"


def _reconciled(second: int, name: str, cause: str) -> str:
    return _line(second, f"roCtx.reconcile err {cause}", _key(name))


def _failed(second: int, name: str, cause: str) -> str:
    return _line(second, f"rollout syncHandler error: {cause}", _key(name) if name else "")


def _counted(second: int, name: str) -> str:
    return _line(second, f'rollout syncHandler queue retries: 30 : key \\"shop/{name}\\"', _key(name))


LOGS: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "the whole attempt": (
        [_reconciled(1, "web", RIGHT), _failed(1, "web", RIGHT), _counted(1, "web")],
        [("web", "rbac.forbidden")],
    ),
    "without the line that counts": (
        [_reconciled(1, "web", RIGHT), _counted(1, "web")],
        [("web", "rbac.forbidden")],
    ),
    "without it, two workers at a time": (
        [_reconciled(1, "web", RIGHT), _reconciled(1, "api", QUOTA), _counted(1, "web"), _counted(1, "api")],
        [("web", "rbac.forbidden"), ("api", "quota")],
    ),
    "its key was cut off": ([_failed(1, "", RIGHT), _counted(1, "web")], [("web", "rbac.forbidden")]),
    "its key was cut off, that of the line before was not": (
        [_reconciled(1, "web", RIGHT), _failed(1, "", RIGHT), _counted(1, "web"), _counted(1, "api")],
        [("web", "rbac.forbidden")],
    ),
    "keys were cut off, two workers fail by one cause": (
        [_failed(1, "", QUOTA), _failed(1, "", QUOTA), _counted(1, "web"), _counted(1, "api")],
        [("web", "quota"), ("api", "quota")],
    ),
    "keys were cut off, two workers fail by two causes": (
        [_failed(1, "", RIGHT), _failed(1, "", QUOTA), _counted(1, "web"), _counted(1, "api")],
        [],
    ),
    "its key was cut off long before": ([_failed(1, "", RIGHT), _counted(9, "web")], []),
    "of an object that is gone, and is tried again": (
        [_failed(1, "web", GONE), _counted(1, "web")],
        [("web", "object.not_found")],
    ),
    "of an object that is gone": ([_failed(1, "web", GONE)], []),
    "nothing was counted": ([_reconciled(1, "web", RIGHT)], []),
}


@pytest.mark.parametrize(("lines", "expected"), LOGS.values(), ids=LOGS)
def test_attempts_are_of_whom_they_can_only_be(lines: list[str], expected: list[tuple[str, str]]) -> None:
    """One for each retry line, and none where it may be of somebody else."""
    reader = StreamReader(FINDER, fallback_at=datetime(2031, 2, 3, tzinfo=UTC))
    source = Origin(source="log")
    events = [
        event for number, line in enumerate(lines) for event in reader.read(SourceLine(line, number, number, source))
    ]
    events += reader.finish()
    found = [event for event in events if isinstance(event, SyncFailed)]
    assert expected == [(event.key.name, event.failure.failure_class) for event in found]
