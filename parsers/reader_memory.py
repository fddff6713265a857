"""What reading needs to remember of a stream between two of its lines: kept over a restart, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from parsers.controller import ControllerLine
from parsers.event_times import OriginTimes
from parsers.events import ObjectKey
from parsers.expiry_notices import NoticeMemory
from parsers.records import Origin
from parsers.redaction import redact

MAX_WAITING = 32
WAITING_SECONDS = 2.0
"""A retry line follows its attempt at once; logfmt prints whole seconds."""


class WaitingAttempt(msgspec.Struct, frozen=True):
    """A failure of an attempt, by a line that does not count it: a retry line may."""

    at: datetime
    line: int
    said: ControllerLine  # without a key where that was cut off


class OriginMemory(msgspec.Struct):
    """What reading needs to remember of one origin."""

    causes: list[str] = msgspec.field(default_factory=list)  # of the newest attempts
    panic: str = ""  # the newest panic's own line, which tells more than that of the attempt
    waiting: list[WaitingAttempt] = msgspec.field(default_factory=list)
    attempted: set[ObjectKey] = msgspec.field(default_factory=set)  # keys with an attempt since their last retry line
    notices: NoticeMemory = msgspec.field(default_factory=NoticeMemory)

    def wait_for_count(self, attempt: WaitingAttempt) -> None:
        """A retry line may say whose attempt this was, or that it was one."""
        self.waiting = [*self.waiting[1 - MAX_WAITING :], attempt]

    def forget_waiting(self, key: ObjectKey) -> None:
        """The attempt of the key has its own line."""
        if self.waiting:
            self.waiting = [one for one in self.waiting if one.said.key != key]

    def attempt_before(self, key: ObjectKey, at: datetime) -> WaitingAttempt | None:
        """The attempt that a retry line counts; None where several objects may have failed it.

        Parallel workers put their lines between each other's: two causes at a time without a key are of two objects.
        """
        fresh = [one for one in self.waiting if (at - one.at).total_seconds() <= WAITING_SECONDS]
        own = [one for one in fresh if one.said.key == key]
        nameless = [one for one in fresh if one.said.key is None and one.said.key_kind == key.kind]
        if not own and len({one.said.cause for one in nameless}) != 1:
            self.waiting = fresh
            return None
        found = own[-1] if own else nameless[0]
        same = next((one for one in nameless if one.said.cause == found.said.cause), found)  # its line without the key
        self.waiting = [one for one in fresh if one is not same and one not in own]
        return found


class ReaderMemory(msgspec.Struct, frozen=True):
    """What a reader remembers between two blocks, to be kept over a restart. It holds no secret."""

    newest_at: datetime | None
    times: dict[Origin, OriginTimes]
    origins: dict[Origin, OriginMemory]


def memory_without_secrets(
    newest_at: datetime | None, times: Mapping[Origin, OriginTimes], origins: Mapping[Origin, OriginMemory]
) -> ReaderMemory:
    """The memory as it may be written down."""
    return ReaderMemory(
        newest_at,
        {origin: _times_without_secrets(one) for origin, one in times.items()},
        {origin: _origin_without_secrets(one) for origin, one in origins.items()},
    )


def _times_without_secrets(times: OriginTimes) -> OriginTimes:
    held = [
        (
            msgspec.structs.replace(
                record,
                message=redact(record.message),
                fields={name: redact(value) for name, value in record.fields.items()},
            ),
            at,
        )
        for record, at in times.held
    ]
    return OriginTimes(times.last_at, times.started_at, held)


def _origin_without_secrets(state: OriginMemory) -> OriginMemory:
    return OriginMemory(
        causes=[redact(cause) for cause in state.causes],
        panic=redact(state.panic),
        waiting=[
            msgspec.structs.replace(one, said=msgspec.structs.replace(one.said, cause=redact(one.said.cause)))
            for one in state.waiting
        ],
        attempted=set(state.attempted),
        notices=state.notices,
    )
