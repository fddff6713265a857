"""How a key fares in one origin: streaks of failures, ended by healthy passes.

A track is fed in its origin's own order and knows nothing of other origins; `spells` puts the tracks of a key
together. So it does not matter in which order origins are fed.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

import msgspec

from parsers.events import Failure
from parsers.records import Origin
from pipeline.engine.tallies import Sighting, Tally, signature_of

CONFIRM_AFTER = timedelta(seconds=2)
"""A pass without an error this long after its end has succeeded: the error's line follows within microseconds."""
MAX_TALLIES = 24
MAX_PASSES = 32
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
    is_blocked: bool = False  # a ReplicaFailure condition holds; it lasts until a patch removes it
    failed_at: list[datetime] = msgspec.field(default_factory=list)  # of the first failures
    watched_since: datetime | None = None  # first line of the origin, the process' start or the last healthy pass
    zero_at: datetime | None = None  # the process' start or the last healthy pass: the count began after it
    first_count: int = 0
    first_count_at: datetime | None = None
    max_count: int = 0
    max_count_at: datetime | None = None
    high_at: datetime | None = None  # first time the count reached the rule's limit
    last_count: int = 0
    last_count_at: datetime | None = None
    slope_count: int = 0  # the count of the newest process that the slope is measured from
    slope_at: datetime | None = None
    longest_gap_seconds: float = 0.0
    restarts: int = 0
    tallies: dict[str, Tally] = msgspec.field(default_factory=dict)
    tallies_omitted: int = 0
    ended_at: datetime | None = None
    end: EndReason | None = None

    @property
    def failures(self) -> int:
        """Attempts that are known of; a log that kept only the retry lines has one for each."""
        return max(self.attempts + self.refusals, self.counts_seen)

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


class Track(msgspec.Struct):
    """All streaks of a key in one origin, oldest first."""

    streaks: list[Streak] = msgspec.field(default_factory=list)
    passes: list[datetime] = msgspec.field(default_factory=list)  # healthy passes, first and newest ones
    completed_at: datetime | None = None  # a pass whose success is not certain yet
    was_refused: bool = False  # the current pass was refused: its end is no success
    has_restarted: bool = False  # since the last printed count
    watched_since: datetime | None = None  # first line that was read of the origin
    started_at: datetime | None = None  # of the process

    @property
    def open_streak(self) -> Streak | None:
        """The streak that goes on, None where the key is healthy or was never met."""
        return self.streaks[-1] if self.streaks and self.streaks[-1].ended_at is None else None

    def fail(self, failure: Failure, seen: Sighting, *, is_refusal: bool) -> None:
        """An attempt failed, or was refused."""
        self.completed_at = None
        self.was_refused = is_refusal
        streak = self._open(seen)
        streak.attempts += not is_refusal
        streak.refusals += is_refusal
        _touch(streak, seen.at)
        streak.tally(failure, seen)

    def count(self, count: int, seen: Sighting, *, high_count: int) -> None:
        """A retry line was printed."""
        self.completed_at = None
        streak = self._open(seen)
        if count == streak.last_count and seen.at == streak.last_count_at:
            return  # the same line once more, by another road
        if count <= streak.last_count and not self.has_restarted:
            streak = self._restart_after_reset(streak, seen)
        elif streak.first_count_at is None and self._goes_on(count):
            streak = self._rejoin()
        if self.has_restarted or streak.slope_at is None:
            streak.slope_count, streak.slope_at = count, seen.at
        self.has_restarted = False
        streak.counts_seen += 1
        _touch(streak, seen.at)
        if streak.first_count_at is None:
            streak.first_count, streak.first_count_at = count, seen.at
        if count > streak.max_count:
            streak.max_count, streak.max_count_at = count, seen.at
        if count >= high_count and streak.high_at is None:
            streak.high_at = seen.at
        streak.last_count, streak.last_count_at = count, seen.at

    def complete(self, at: datetime) -> None:
        """A pass came to its end; whether it succeeded shows at the next line of the key, or a little later."""
        if self.completed_at is not None:
            self.confirm()
        if self.was_refused:
            self.was_refused = False
            return
        self.completed_at = at

    def confirm_before(self, at: datetime) -> None:
        """The origin went on: a pass without an error since is a success."""
        if self.completed_at is not None and at - self.completed_at > CONFIRM_AFTER:
            self.confirm()

    def confirm(self) -> None:
        """The pass that came to its end has succeeded."""
        at, self.completed_at = self.completed_at, None
        if at is None:
            return
        streak = self.open_streak
        if streak is not None and not streak.is_blocked:
            self._end(at, EndReason.PASSED)
        elif streak is None and (not self.passes or self.has_restarted):
            self._note_pass(at)
            self.has_restarted = False

    def block(self, failure: Failure, seen: Sighting) -> None:
        """A condition says that the key's ReplicaSet cannot create pods."""
        streak = self._open(seen)
        streak.is_blocked = True
        streak.refusals += 1
        _touch(streak, seen.at)
        streak.tally(failure, seen)

    def unblock(self, at: datetime) -> None:
        """The condition is gone."""
        streak = self.open_streak
        if streak is not None and streak.is_blocked:
            self._end(at, EndReason.UNBLOCKED)

    def delete(self, at: datetime) -> None:
        """The object is gone; the queue forgets its key."""
        self.completed_at = None
        if self.open_streak is not None:
            self._end(at, EndReason.DELETED)

    def restart(self, at: datetime) -> None:
        """The process started or took the lead: counts begin at zero, the trouble may go on."""
        self.completed_at = None
        self.has_restarted = True
        self.started_at = at
        if self.open_streak is not None:
            self.open_streak.restarts += 1

    def _open(self, seen: Sighting) -> Streak:
        streak = self.open_streak
        if streak is None:
            at = seen.at
            zero_at = _newest_before(at, self.started_at, self.passes[-1] if self.passes else None)
            watched_since = _newest_before(at, self.watched_since, zero_at)
            streak = Streak(origin=seen.origin, first_at=at, last_at=at, watched_since=watched_since, zero_at=zero_at)
            self.streaks.append(streak)
        return streak

    def _restart_after_reset(self, streak: Streak, seen: Sighting) -> Streak:
        """The count fell: the newest attempt belongs to a new streak."""
        tally = max(streak.tallies.values(), key=lambda one: one.last, default=None)
        is_attempt_new = tally is not None and streak.attempts > 0
        streak.attempts -= is_attempt_new
        self._end(seen.at, EndReason.COUNT_RESET)
        fresh = self._open(seen)
        if tally is not None and is_attempt_new:
            tally.count -= 1
            streak.tallies = {name: one for name, one in streak.tallies.items() if one.count}
            fresh.attempts = 1
            fresh.tally(tally.failure, tally.last)
        return fresh

    def _goes_on(self, count: int) -> bool:
        """Whether a count goes on from that of the streak before: a success would have set it to zero.

        What looked like a success between them was a failed pass whose error line is lost. Small counts prove nothing,
        as the events of a busy rollout reach them at once.
        """
        before = self.streaks[-2] if len(self.streaks) > 1 else None
        return (
            before is not None
            and before.end is EndReason.PASSED
            and not self.has_restarted
            and count > before.last_count > SURE_COUNT
        )

    def _rejoin(self) -> Streak:
        """Take back the success between the last two streaks."""
        newest = self.streaks.pop()
        streak = self.streaks[-1]
        if streak.ended_at in self.passes:
            self.passes.remove(streak.ended_at)
        streak.ended_at = streak.end = None
        streak.attempts += newest.attempts
        streak.refusals += newest.refusals
        for at in newest.failed_at:
            _touch(streak, at)
        for tally in newest.tallies.values():
            streak.tally(tally.failure, tally.last)
        return streak

    def _end(self, at: datetime, reason: EndReason) -> None:
        streak = self.streaks[-1]
        streak.ended_at, streak.end = max(at, streak.last_at), reason
        if reason is EndReason.PASSED:
            self._note_pass(streak.ended_at)

    def _note_pass(self, at: datetime) -> None:
        self.passes.append(at)
        if len(self.passes) > MAX_PASSES:
            del self.passes[1]


def _newest_before(at: datetime, *marks: datetime | None) -> datetime | None:
    """The newest of some times that does not lie behind `at`."""
    return max((mark for mark in marks if mark is not None and mark <= at), default=None)


def _touch(streak: Streak, at: datetime) -> None:
    """Move the end of a streak. A log's own order counts, not a time that steps back a little."""
    if at > streak.last_at:
        streak.longest_gap_seconds = max(streak.longest_gap_seconds, (at - streak.last_at).total_seconds())
        streak.last_at = at
    streak.first_at = min(streak.first_at, at)
    if len(streak.failed_at) < min(streak.failures, MAX_FAILURE_TIMES):
        streak.failed_at.append(at)
