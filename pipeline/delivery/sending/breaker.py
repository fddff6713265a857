"""Keeps a receiver that fails from being asked again and again, once for each notification that waits."""

from __future__ import annotations

import random

from pipeline.delivery.sending.backoff import pause_seconds

FAILURES_BEFORE_PAUSE = 5


class Breaker:
    """Counts failures in a row. After too many there is a pause, then one attempt, which decides. For one thread.

    Times are seconds of a clock that never goes back.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._failures = 0
        self._open_until = 0.0

    @property
    def failures(self) -> int:
        """In a row, up to now."""
        return self._failures

    @property
    def is_failing(self) -> bool:
        """Whether there were too many failures in a row: one attempt at a time, with a pause before each."""
        return self._failures >= FAILURES_BEFORE_PAUSE

    def wait_seconds(self, monotonic: float) -> float:
        """How long nothing may be tried; 0: now."""
        return max(0.0, self._open_until - monotonic)

    def succeed(self) -> None:
        """The receiver has answered: it is there, whatever it said."""
        self._failures = 0
        self._open_until = 0.0

    def fail(self, monotonic: float, retry_after_seconds: float | None) -> None:
        """An attempt failed in a way that may pass. What the receiver asks for counts for all that waits for it."""
        self._failures += 1
        if self.is_failing:
            pause = pause_seconds(self._failures, self._chance, retry_after_seconds)
        else:
            pause = retry_after_seconds or 0.0
        self._open_until = max(self._open_until, monotonic + pause)
