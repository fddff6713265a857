"""What one receiver is told at one time, before it has the form that the receiver knows."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from pipeline.engine.incidents import Incident


class Occasion(enum.Enum):
    """Why somebody is told."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"
    MERGED = "merged"
    ACKNOWLEDGED = "acknowledged"
    REMINDER = "reminder"  # still open
    TEST = "test"  # `deliveries test`: no incident of the product's


class Notification(msgspec.Struct, frozen=True):
    """One message to one receiver. It is made once; its bytes never change afterwards."""

    id: str  # `webhook-id`: the same over retries, restarts, takeover and redrive
    receiver: str  # its name in the configuration
    occasion: Occasion
    at: datetime
    incidents: tuple[Incident, ...]  # at least one, the oldest first; more where incidents are told as a group
    group: str  # the same for the whole life of what is told together; the id of an incident told alone
    omitted_count: int = 0  # incidents of the group that are not among `incidents`
