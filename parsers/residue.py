"""Error records of a controller that no rule knows: what is left when everything known is taken away.

A failed pass prints several error lines. Those of a pass whose failure is understood are its symptoms, and are
dropped; so are lines that repeat the cause of an attempt. A record is therefore held until its pass is over, and the
rules are asked about those only that are left then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from parsers.controller import key_of_fields
from parsers.events import ErrorNotUnderstood, Event, FailureSeen, ObjectKey, SyncFailed, SyncRefused
from parsers.failure_record import text_of_record
from parsers.failures import FailureFinder
from parsers.records import Level, LogRecord, Origin
from parsers.unknown import unknown_failure

MAX_EVENTS = 100_000
"""Records of a stream that are passed on; the others are counted."""
MAX_HELD = 64
"""More than the workers of a controller can have unfinished."""
HELD_FOR = timedelta(seconds=2)
"""A pass prints its last line right after its errors."""
RECENT_CAUSES = 32

ERROR_LITERALS: tuple[bytes, ...] = (
    b"level=error",
    b"level=fatal",
    b'"level":"error"',
    b'"level": "error"',
    b'\\"level\\":\\"error\\"',  # in the JSON of a runtime or shipper
    b'\\\\\\"level\\\\\\":\\\\\\"error',  # in the JSON of both
    b"ERRO",  # logrus on a terminal
    b"\nE0",  # klog: E and the month, at the beginning of a line or behind what a wrapper puts before it
    b"\nE1",
    b" E0",
    b" E1",
    b'"E0',
    b'"E1',
)
"""What the prefilter looks for, besides everything else, where records of level error are wanted."""

_ERROR_LEVELS = frozenset({Level.ERROR, Level.FATAL})
_OF_ROLLOUTS = frozenset({"rollout", "experiment", "analysisrun"})


class _Held(msgspec.Struct, frozen=True):
    """An error record that waits for the end of its pass."""

    record: LogRecord
    at: datetime
    key: ObjectKey | None


class _OriginState:
    """Error records of one origin."""

    def __init__(self) -> None:
        self.held: deque[_Held] = deque()
        self.causes: deque[str] = deque(maxlen=RECENT_CAUSES)  # of attempts that failed for an unknown reason
        self.is_controller = False


class ResidueReader:
    """The error records of one stream that no rule knows. An origin that is no controller has none."""

    def __init__(self, finder: FailureFinder) -> None:
        self.omitted_count = 0
        self._finder = finder
        self._origins: dict[Origin, _OriginState] = {}
        self._count = 0

    def read(self, record: LogRecord, at: datetime, events: list[Event]) -> Iterator[Event]:
        """Take a record and its events; yields what is known to be residue now."""
        state = self._origins.get(record.origin)
        if state is None:
            state = self._origins[record.origin] = _OriginState()
        for event in events:
            _note(event, state)
        if not events and record.level in _ERROR_LEVELS:
            key = key_of_fields(record)
            state.is_controller |= key is not None and key.kind in _OF_ROLLOUTS
            state.held.append(_Held(record, at, key))
        if state.held:
            yield from self._release(state, at)

    def finish(self) -> Iterator[Event]:
        """The stream has ended, and nothing has to wait any more."""
        for state in self._origins.values():
            yield from self._release(state, None)

    def _release(self, state: _OriginState, at: datetime | None) -> Iterator[Event]:
        held = state.held
        while held and (
            at is None or len(held) > MAX_HELD or (state.is_controller and abs(at - held[0].at) > HELD_FOR)
        ):
            one = held.popleft()
            if state.is_controller and (event := self._event_of(one, state)) is not None:
                self._count += 1
                self.omitted_count += self._count > MAX_EVENTS
                if self._count <= MAX_EVENTS:
                    yield event

    def _event_of(self, held: _Held, state: _OriginState) -> ErrorNotUnderstood | None:
        """The event, None where a rule knows the record or an attempt has told of it."""
        record = held.record
        if self._finder.find_in_record(record) is not None:
            return None
        message = text_of_record(record)
        text = unknown_failure(message).text
        if any(cause in text or text in cause for cause in state.causes) or self._finder.is_benign(message):
            return None
        return ErrorNotUnderstood(held.at, record.origin, record.line, text, held.key)


def _note(event: Event, state: _OriginState) -> None:
    """An attempt that is understood explains the error lines of its key; one that is not tells of them itself."""
    state.is_controller |= not isinstance(event, FailureSeen)
    if not isinstance(event, SyncFailed | SyncRefused):
        return
    if event.failure.failure_class == "unknown":
        state.causes.append(event.failure.text)
    elif state.held:
        state.held = deque(held for held in state.held if held.key != event.key)
