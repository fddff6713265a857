"""What the loop does now and then, and how often."""

from __future__ import annotations

import math
from collections.abc import Callable

TICK_SECONDS = 0.05
FORGET_EVERY_SECONDS = 600.0
RETAIN_EVERY_SECONDS = 600.0
"""Between looks for incidents that are old enough to be deleted; the rest of a large number follows at once."""
ADVANCE_EVERY_SECONDS = 1.0
LISTEN_EVERY_SECONDS = 1.0
PUBLISH_EVERY_SECONDS = 1.0
NOTES_EVERY_SECONDS = 1.0
"""Between looks for acknowledgements and silences."""
CATCH_UP_SECONDS = 30.0
"""Between evaluations while a source is behind: in a catch-up the end of the story is what matters."""
BUSY_SECONDS = 1.0
"""The same where reads wait for the engine."""
EVALUATE_SECONDS_PER_KEY = 0.0005
"""An evaluation takes about 60 µs a key that has failed."""


class Pace:
    """When each thing was done the last time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._done_at: dict[str, float] = {}

    def is_due(self, what: str, every_seconds: float) -> bool:
        """Whether it is time; it counts as done then."""
        now = self._monotonic()
        if now - self._done_at.get(what, -math.inf) < every_seconds:
            return False
        self._done_at[what] = now
        return True

    def done(self, what: str) -> None:
        """It was done just now."""
        self._done_at[what] = self._monotonic()

    def again(self, what: str) -> None:
        """It is due at once."""
        self._done_at.pop(what, None)
