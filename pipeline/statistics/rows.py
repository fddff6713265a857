"""The frames of the statistics, version 1, row by row. Times are UTC, durations seconds.

Rows carry their frame's name, so that a line of them says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from pipeline.templates import Template


class KeyRow(msgspec.Struct, frozen=True, tag_field="frame", tag="keys"):
    """How a key that failed has fared."""

    kind: str
    namespace: str
    name: str
    attempts: int  # failed attempts that were read, refusals included
    refusals: int  # passes that ended without a retry: invalid specs, blocked ReplicaSets
    max_retries: int | None  # highest printed count
    first_failed_at: datetime
    last_failed_at: datetime
    streaks: int  # runs of failures without a healthy pass between them
    longest_streak_attempts: int
    longest_streak_seconds: float  # from its first to its last failure


class RetryRow(msgspec.Struct, frozen=True, tag_field="frame", tag="retries"):
    """A key within one bucket of time."""

    kind: str
    namespace: str
    name: str
    at: datetime  # the bucket's begin
    attempts: int  # failed attempts and refusals
    retries: int | None  # highest printed count


class FailureRow(msgspec.Struct, frozen=True, tag_field="frame", tag="failures"):
    """Failures of one class within one hour."""

    failure_class: str = msgspec.field(name="class")
    at: datetime  # the hour's begin; of a wider bucket where buckets are wider
    attempts: int  # failed attempts and refusals of keys
    keys: int  # different keys among them
    others: int  # failure lines that are no attempt: warnings, reflectors, other components


class CauseRow(msgspec.Struct, frozen=True, tag_field="frame", tag="causes"):
    """How long it took until an incident's cause could be seen."""

    incident: str
    failure_class: str = msgspec.field(name="class")
    established: bool
    severity: str
    victims: int
    onset_at: datetime  # the first victim got stuck
    onset_is_estimate: bool
    cause_seen_at: datetime | None  # the first line that shows the deepest cause
    opened_at: datetime  # the incident was opened
    resolved_at: datetime | None
    onset_to_cause_seconds: float | None
    onset_to_opened_seconds: float


class BlastRow(msgspec.Struct, frozen=True, tag_field="frame", tag="blast_radius"):
    """How many objects an incident holds from this time on, up to its next row."""

    incident: str
    at: datetime
    victims: int
    namespaces: int


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """All frames, and what they leave out."""

    schema_version: Literal[1] = 1
    first_at: datetime | None  # the time covered
    last_at: datetime | None
    bucket_seconds: int  # width of the buckets of `retries`
    keys: tuple[KeyRow, ...]
    retries: tuple[RetryRow, ...]
    failures: tuple[FailureRow, ...]
    causes: tuple[CauseRow, ...]
    blast_radius: tuple[BlastRow, ...]
    templates: tuple[Template, ...]
    keys_omitted_count: int  # failures of keys beyond the limit
    ungrouped_count: int  # errors that no rule knows and that are in no template

    def rows(self) -> Iterator[msgspec.Struct]:
        """All rows, frame by frame."""
        for frame in (self.keys, self.failures, self.causes, self.blast_radius, self.templates, self.retries):
            yield from frame
