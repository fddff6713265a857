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


class OriginMemory(msgspec.Struct):
    """What reading needs to remember of one origin."""

    causes: list[str] = msgspec.field(default_factory=list)  # of the newest attempts
    panic: str = ""  # the newest panic's own line, which tells more than that of the attempt
    keyless: ControllerLine | None = None  # an attempt whose key was cut off; its retry line names it
    keyless_line: int = 0
    attempted: set[ObjectKey] = msgspec.field(default_factory=set)  # keys with an attempt since their last retry line
    notices: NoticeMemory = msgspec.field(default_factory=NoticeMemory)


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
    keyless = state.keyless
    return OriginMemory(
        causes=[redact(cause) for cause in state.causes],
        panic=redact(state.panic),
        keyless=msgspec.structs.replace(keyless, cause=redact(keyless.cause)) if keyless is not None else None,
        keyless_line=state.keyless_line,
        attempted=set(state.attempted),
        notices=state.notices,
    )
