"""How a key fares in one origin: streaks of failures, ended by healthy passes.

A track is fed in its origin's own order and knows nothing of other origins; `spells` puts the tracks of a key
together. So it does not matter in which order origins are fed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from parsers.events import Failure
from pipeline.engine.generations import GenerationSeen, note_generation
from pipeline.engine.streak import SURE_COUNT, EndReason, Streak
from pipeline.engine.tallies import Sighting

CONFIRM_AFTER = timedelta(seconds=2)
"""A pass without an error this long after its end has succeeded: the error's line follows within microseconds."""
MAX_PASSES = 32


class Track(msgspec.Struct):
    """All streaks of a key in one origin, oldest first.

    A restart begins a new one, though it ends no trouble: while another process led, the key may have been healthy.
    """

    streaks: list[Streak] = msgspec.field(default_factory=list)
    passes: list[datetime] = msgspec.field(default_factory=list)  # healthy passes, first and newest ones
    completed_at: datetime | None = None  # a pass whose success is not certain yet
    was_refused: bool = False  # the current pass was refused: its end is no success
    has_restarted: bool = False  # since the last printed count
    is_cut: bool = False  # the next failure begins a new streak though nothing ended the last one
    watched_since: datetime | None = None  # first line that was read of the origin
    started_at: datetime | None = None  # of the process
    generations: list[GenerationSeen] = msgspec.field(default_factory=list)  # oldest first

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
        streak.touch(seen.at)
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
        self.has_restarted = False
        streak.count(count, seen.at, high_count=high_count)

    def complete(self, at: datetime) -> None:
        """A pass came to its end; whether it succeeded shows at the next line of the key, or a little later."""
        if self.completed_at is not None:
            self.confirm()
        if self.was_refused:
            self.was_refused = False
            return
        self.completed_at = at

    def read_generation(self, generation: int, at: datetime) -> None:
        """A pass had read the object in this generation."""
        seen = GenerationSeen(generation, at)
        note_generation(self.generations, seen, is_failing=self.open_streak is not None)

    def confirm_before(self, at: datetime) -> None:
        """The origin went on: a pass without an error since is a success."""
        if self.completed_at is not None and at - self.completed_at > CONFIRM_AFTER:
            self.confirm()

    def passes_by(self, now: datetime) -> list[datetime]:
        """A pass that may be a success and was not contradicted until `now`, for those who look from outside.

        The track itself waits for its origin: a log that comes late may still contradict it.
        """
        if self.completed_at is None or now - self.completed_at <= CONFIRM_AFTER:
            return []
        return [self.completed_at]

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
        streak.is_blocked = streak.lasts = True
        streak.refusals += 1
        streak.touch(seen.at)
        streak.tally(failure, seen)

    def unblock(self, at: datetime) -> None:
        """The condition is gone."""
        streak = self.open_streak
        if streak is not None and streak.is_blocked:
            self._end(at, EndReason.UNBLOCKED)

    def delete(self, at: datetime) -> None:
        """The object is gone; the queue forgets its key."""
        self.generations.clear()  # an object of the same name begins with 1 again
        self.completed_at = None
        if self.open_streak is not None:
            self._end(at, EndReason.DELETED)

    def restart(self, at: datetime) -> None:
        """The process started or took the lead: counts begin at zero, the trouble may go on."""
        self.completed_at = None
        self.has_restarted = True
        self.started_at = at
        streak = self.open_streak
        self.is_cut = streak is not None and not streak.is_blocked

    def _open(self, seen: Sighting) -> Streak:
        streak = self.open_streak
        if streak is None or self.is_cut:
            self.is_cut = False
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

        What looked like a success between them was a failed pass whose error line is lost, and an object that is gone
        is tried for ever by releases before v1.7. Small counts prove nothing: events of a busy rollout reach them.
        """
        before = self.streaks[-2] if len(self.streaks) > 1 else None
        return (
            before is not None
            and before.end in (EndReason.PASSED, EndReason.DELETED)
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
        streak.absorb(newest)
        return streak

    def forget_short(self, most: int, seconds: float) -> int:
        """Forget the oldest streaks that were over before they could matter; returns how many.

        A flapping key has thousands of them.
        """
        if len(self.streaks) <= most:
            return 0
        kept = [
            streak
            for before, streak in zip([None, *self.streaks], self.streaks[:-most], strict=False)
            if (before is not None and before.ended_at is None) or not streak.was_shorter_than(seconds)
        ]
        forgotten_count = len(self.streaks) - most - len(kept)
        self.streaks[:-most] = kept
        return forgotten_count

    def trim(self, most: int) -> int:
        """Bring the number of streaks down: those of one trouble over many restarts are joined, others forgotten.

        Returns how many were forgotten.
        """
        forgotten_count = 0
        while len(self.streaks) > most:
            oldest = self.streaks.pop(0)
            if oldest.ended_at is None:
                oldest.absorb(self.streaks[0])
                oldest.ended_at, oldest.end = self.streaks[0].ended_at, self.streaks[0].end
                self.streaks[0] = oldest
            else:
                forgotten_count += 1
        return forgotten_count

    def _end(self, at: datetime, reason: EndReason) -> None:
        self.is_cut = False
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
