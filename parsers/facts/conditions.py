"""Status conditions."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ConditionFacts(msgspec.Struct, frozen=True):
    """A status condition."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    changed_at: datetime | None = None
