"""How long to wait before the next attempt: longer each time, and never all at the same moment.

Full jitter: a receiver that comes back is not met by everybody at once. Source: AWS Architecture Blog, "Exponential
Backoff And Jitter".
"""

from __future__ import annotations

import random

SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
"""An outage that is over is noticed within this."""

_MAX_DOUBLINGS = 16  # far beyond the longest pause: no power of two becomes too large


def pause_seconds(attempts: int, chance: random.Random, retry_after_seconds: float | None = None) -> float:
    """Seconds until the next attempt.

    Args:
        attempts: Made so far, at least one.
        chance: Where jitter comes from.
        retry_after_seconds: What the receiver asks for: it wins where it is longer.
    """
    ceiling = min(LONGEST_SECONDS, SHORTEST_SECONDS * 2.0 ** min(attempts, _MAX_DOUBLINGS))
    own = max(SHORTEST_SECONDS, chance.uniform(0.0, ceiling))
    return own if retry_after_seconds is None else max(own, retry_after_seconds)
