"""What the daemon says of its own state: published by the pipeline's thread, read by who serves it, without a lock."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from datetime import datetime

import msgspec


class DaemonRole(enum.Enum):
    """What this process does among its replicas."""

    STARTING = "starting"
    ACTIVE = "active"  # holds the claim: the one that writes
    STANDBY = "standby"  # waits for the claim
    DRAINING = "draining"  # ends, after what it has begun


class Check(msgspec.Struct, frozen=True):
    """One thing that has to be so for the daemon to do its work."""

    name: str  # one word: source, store, backlog …
    is_ok: bool
    detail: str = ""  # in a sentence, without secrets


class DaemonStatus(msgspec.Struct, frozen=True):
    """The state of the daemon at one moment."""

    role: DaemonRole
    since: datetime  # of the role; aware, UTC
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()  # what it does without, in sentences without secrets; nothing fails for it


class StatusBoard:
    """Holds the newest status, and when the pipeline's thread last went on. Written by that thread only."""

    def __init__(self, status: DaemonStatus, clock: Callable[[], float] = time.monotonic) -> None:
        self._status = status
        self._clock = clock  # monotonic seconds
        self._beat_at = clock()

    @property
    def status(self) -> DaemonStatus:
        """What was published last."""
        return self._status

    def publish(self, status: DaemonStatus) -> None:
        """Replace the status, as a whole."""
        self._status = status

    def beat(self) -> None:
        """Say that the pipeline's thread goes on, whether there is work or not."""
        self._beat_at = self._clock()

    def seconds_since_beat(self) -> float:
        """How long it has not gone on."""
        return self._clock() - self._beat_at
