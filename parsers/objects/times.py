"""When a snapshot was taken, as far as it says: the newest time at which something in it happened.

Looked for in the text as it stands, under the names that the API gives to such times: a certificate's end or a plan for
the future is not among them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from parsers.timestamps import parse_rfc3339

_TIME: Final = re.compile(
    rb"""
    (?<![\w\\]) "?
    (?:lastTransitionTime|lastUpdateTime|lastProbeTime|lastHeartbeatTime|lastScheduleTime|creationTimestamp|time
      |lastScaleTime|renewTime|acquireTime|lastTimestamp|firstTimestamp|eventTime|lastObservedTime|startedAt|finishedAt
      |startTime|completionTime|deprecatedLastTimestamp)
    "? \s*+ : \s*+ ["']? (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)
    """,
    re.VERBOSE,
)


def times_in(raw: bytes) -> list[datetime]:
    """All times at which something happened, oldest first, each once."""
    found = (parse_rfc3339(text.decode()) for text in set(_TIME.findall(raw)))
    return sorted(at for at in found if at is not None)


def newest_time(raw: bytes, not_after: datetime | None = None) -> datetime | None:
    """The newest time at which something happened, and not later than a known end."""
    return next((at for at in reversed(times_in(raw)) if not_after is None or at <= not_after), None)
