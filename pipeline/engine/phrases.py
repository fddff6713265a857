"""Times and durations as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta


def moment_text(at: datetime) -> str:
    """When, to the second, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def age_text(since: datetime, until: datetime) -> str:
    """How long."""
    seconds = int(max(timedelta(0), until - since).total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{round(seconds / 60)} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
