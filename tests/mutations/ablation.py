"""Takes the decisive evidence out of a case: the errors altogether, or what lies deepest in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache

from parsers.controller import LineKind, read_controller_line
from parsers.events import Failure
from parsers.failures import FailureFinder
from parsers.parse import parse_line
from parsers.records import LogRecord, Origin, SourceLine
from tests.mutations.cases import Files, is_log, map_logs
from tests.scenarios.scenarios import built_in_rules

UNHEARD_OF = "zorgle frobnicated"
_TELLS_OF_FAILURE = frozenset(
    {
        *(LineKind.SYNC_FAILED, LineKind.SYNC_REFUSED, LineKind.CONDITIONS_PATCHED, LineKind.SYMPTOM),
        *(LineKind.REFLECTOR, LineKind.LEASE, LineKind.FATAL, LineKind.PANICKED),
    }
)


@cache
def _finder() -> FailureFinder:
    return FailureFinder(built_in_rules())


def without_errors(files: Files) -> dict[str, bytes]:
    """The logs without any line that tells of a failure; retry lines stay, objects and other documents go."""
    logs = {name: data for name, data in files.items() if is_log(data)}
    return map_logs(logs, lambda text: [line for line in text if not _tells_of_failure(line)])


def without_deepest(files: Files, classes: frozenset[str]) -> dict[str, bytes]:
    """The logs with the deepest link of every failure of these classes replaced by words that no rule knows."""
    logs = {name: data for name, data in files.items() if is_log(data)}
    return map_logs(logs, lambda text: _replaced(text, classes))


def _replaced(lines: Sequence[str], classes: frozenset[str]) -> list[str]:
    deepest = {
        failure.chain[-1]
        for line in lines
        for failure in _failures_in(line)
        if failure.failure_class in classes and failure.chain
    }
    spellings = [spelling for text in sorted(deepest, key=len, reverse=True) for spelling in _spellings(text)]
    return [_with_replacements(line, spellings) for line in lines]


def _with_replacements(line: str, spellings: Sequence[str]) -> str:
    for spelling in spellings:
        line = line.replace(spelling, UNHEARD_OF)
    return line


def _spellings(text: str) -> Iterator[str]:
    for _ in range(3):  # bare, in a quoted string, and in a quoted string within one
        yield text
        text = json.dumps(text, ensure_ascii=False)[1:-1]


def _tells_of_failure(line: str) -> bool:
    record = _record(line)
    if record is None:
        return False
    kind = read_controller_line(record).kind
    is_calm = kind in (LineKind.RETRY_COUNTED, LineKind.SYNC_COMPLETED)
    return kind in _TELLS_OF_FAILURE or (not is_calm and bool(list(_failures_in(line))))


def _failures_in(line: str) -> Iterator[Failure]:
    record = _record(line)
    if record is None:
        return
    cause = read_controller_line(record).cause
    for found in (_finder().find_in_record(record), _finder().find(cause) if cause else None):
        if found is not None:
            yield found


def _record(line: str) -> LogRecord | None:
    text = line.encode("utf-8", "replace").decode()
    record = parse_line(SourceLine(text=text, line=1, line_end=1, origin=Origin(source="log")))
    return record if isinstance(record, LogRecord) else None
