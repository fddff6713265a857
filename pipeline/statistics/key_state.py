"""What is summed up of one key while its events pass."""

from __future__ import annotations

from datetime import datetime

from pipeline.engine.streaks import CONFIRM_AFTER


class KeyState:
    """What is remembered of a key that failed."""

    def __init__(self, number: int, at: datetime) -> None:
        self.number = number
        self.attempts = self.refusals = self.counts = 0
        self.max_retries: int | None = None
        self.first_at = self.last_at = at
        self.streaks = 0
        self.longest_attempts = 0
        self.longest_seconds = 0.0
        self.streak_attempts = 0
        self.streak_first_at: datetime | None = None
        self.completed_at: datetime | None = None  # a pass whose success is not certain yet
        self.was_refused = False
        self.is_blocked = False

    def fail(self, at: datetime) -> None:
        """A failure was read."""
        self._settle(at)
        self.first_at, self.last_at = min(self.first_at, at), max(self.last_at, at)
        if self.streak_first_at is None:
            self.streak_first_at = at
            self.streak_attempts = 0
            self.streaks += 1
        self.streak_attempts += 1
        self.longest_attempts = max(self.longest_attempts, self.streak_attempts)
        self.longest_seconds = max(self.longest_seconds, (at - self.streak_first_at).total_seconds())

    def count(self, count: int, at: datetime) -> bool:
        """A retry line was read: the attempt before it failed. Says whether that attempt is known by this line only."""
        self._settle(at)
        self.counts += 1
        self.max_retries = max(self.max_retries or 0, count)
        if self.counts <= self.attempts:
            return False
        self.attempts = self.counts
        self.fail(at)
        return True

    def complete(self, at: datetime) -> None:
        """A pass came to its end; the error's line follows at once where it failed."""
        if self.completed_at is not None:
            self.end()
        if self.was_refused:
            self.was_refused = False
        elif not self.is_blocked:
            self.completed_at = at

    def end(self) -> None:
        """There was a success."""
        self.streak_first_at = self.completed_at = None
        self.is_blocked = False

    def _settle(self, at: datetime) -> None:
        if self.completed_at is not None and at - self.completed_at > CONFIRM_AFTER:
            self.end()
        self.completed_at = None
