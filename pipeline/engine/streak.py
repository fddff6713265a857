"""A streak: failures of a key in one origin with no success between them, in a few numbers."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from parsers.events import Failure
from parsers.records import Origin
from pipeline.engine.tallies import Sighting, Tally, signature_of

MAX_TALLIES = 24
SURE_COUNT = 14
"""Counts above it are reached by failing alone, or nearly so: the waits no longer double."""
MAX_FAILURE_TIMES = 32
"""Times of failures kept per streak: the first ones, by which the rule finds the failure that it waits for."""


class EndReason(enum.Enum):
    """Why a streak ended."""

    PASSED = "passed"  # a healthy pass was seen
    COUNT_RESET = "count_reset"  # the printed count fell without a restart: there was a success in between
    DELETED = "deleted"
    UNBLOCKED = "unblocked"  # the condition that blocked it is gone
    PRESUMED = "presumed"  # silence, where nothing else can be seen


class Streak(msgspec.Struct):
    """Failures of a key in one origin with no success between them."""

    origin: Origin
    first_at: datetime
    last_at: datetime
    attempts: int = 0
    refusals: int = 0
    counts_seen: int = 0
    is_blocked: bool = False  # pods cannot be created: healthy passes do not end that
    lasts: bool = False  # a condition says that it is blocked; that holds until the condition is seen to be gone
    sampled_until: datetime | None = None  # known by snapshots alone, of which the newest may be as late as this
    failed_at: list[datetime] = msgspec.field(default_factory=list)  # of the first failures
    watched_since: datetime | None = None  # first line of the origin, the process' start or the last healthy pass
    zero_at: datetime | None = None  # the process' start or the last healthy pass: the count began after it
    first_count: int = 0
    first_count_at: datetime | None = None
    max_count: int = 0
    high_at: datetime | None = None  # first time the count reached the rule's limit
    last_count: int = 0
    last_count_at: datetime | None = None
    slope_count: int = 0  # the count of the newest process that the slope is measured from
    slope_at: datetime | None = None
    longest_gap_seconds: float = 0.0
    tallies: dict[str, Tally] = msgspec.field(default_factory=dict)
    tallies_omitted: int = 0
    ended_at: datetime | None = None
    end: EndReason | None = None

    @property
    def failures(self) -> int:
        """Attempts that are known of; a log that kept only the retry lines has one for each."""
        return max(self.attempts + self.refusals, self.counts_seen)

    def was_shorter_than(self, seconds: float) -> bool:
        """Whether it ended within this time of its beginning, which was seen."""
        if self.ended_at is None or self.is_blocked or self.first_count > SURE_COUNT:
            return False
        return (self.ended_at - self.first_at).total_seconds() < seconds

    def tally(self, failure: Failure, seen: Sighting) -> None:
        """Count one failure of its kind."""
        signature = signature_of(failure)
        tally = self.tallies.get(signature)
        if tally is not None:
            tally.add(failure, seen)
        elif len(self.tallies) < MAX_TALLIES:
            self.tallies[signature] = Tally.of(failure, seen)
        else:
            self.tallies_omitted += 1

    def touch(self, at: datetime) -> None:
        """Move the end. A log's own order counts, not a time that steps back a little."""
        if at > self.last_at:
            self.longest_gap_seconds = max(self.longest_gap_seconds, (at - self.last_at).total_seconds())
            self.last_at = at
        self.first_at = min(self.first_at, at)
        if len(self.failed_at) < min(self.failures, MAX_FAILURE_TIMES):
            self.failed_at.append(at)

    def count(self, count: int, at: datetime, *, high_count: int) -> None:
        """A retry line was printed."""
        if self.slope_at is None:
            self.slope_count, self.slope_at = count, at
        self.counts_seen += 1
        self.touch(at)
        if self.first_count_at is None:
            self.first_count, self.first_count_at = count, at
        self.max_count = max(self.max_count, count)
        if count >= high_count and self.high_at is None:
            self.high_at = at
        self.last_count, self.last_count_at = count, at

    def absorb(self, later: Streak) -> None:
        """Go on with the failures of a later streak."""
        self.attempts += later.attempts
        self.refusals += later.refusals
        self.counts_seen += later.counts_seen
        self.is_blocked = self.is_blocked or later.is_blocked
        self.lasts = self.lasts or later.lasts
        self.failed_at = [*self.failed_at, *later.failed_at][:MAX_FAILURE_TIMES]
        gap_seconds = (later.first_at - self.last_at).total_seconds()
        self.longest_gap_seconds = max(self.longest_gap_seconds, later.longest_gap_seconds, gap_seconds)
        self.last_at = max(self.last_at, later.last_at)
        self.high_at = self.high_at or later.high_at
        self.max_count = max(self.max_count, later.max_count)
        if later.first_count_at is not None:
            if self.first_count_at is None:
                self.first_count, self.first_count_at = later.first_count, later.first_count_at
            self.last_count, self.last_count_at = later.last_count, later.last_count_at
            self.slope_count, self.slope_at = later.slope_count, later.slope_at
        for signature, tally in later.tallies.items():
            known = self.tallies.get(signature)
            if known is not None:
                known.join(tally)
            elif len(self.tallies) < MAX_TALLIES:
                self.tallies[signature] = tally
            else:
                self.tallies_omitted += tally.count
