"""Which partitions have to wait for others: none runs far ahead in the time of its records. Pure: time is given."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from pipeline.sources.kafka.clients import Partition

PATIENCE_SECONDS = 10.0
"""A partition that is behind and gives nothing for this long (no leader) is not waited for."""


class Pace(msgspec.Struct, frozen=True):
    """How far reading a partition has come."""

    newest_at: float | None  # time of its last record; None: none was read yet
    is_behind: bool  # it holds records that were not read


class Pacer:
    """Remembers since when partitions that are behind have given nothing."""

    def __init__(self, ahead_seconds: float) -> None:
        self._ahead_seconds = ahead_seconds
        self._moved_at: dict[Partition, float] = {}
        self._ahead: frozenset[Partition] = frozenset()

    def note_delivery(self, partition: Partition, now: float) -> None:
        """A partition gave records."""
        self._moved_at[partition] = now

    def find_ahead(self, paces: Mapping[Partition, Pace], now: float) -> frozenset[Partition]:
        """Partitions that have to wait. One that waits goes on when half of its lead is made up.

        Args:
            paces: All partitions that are read.
            now: Monotonic seconds.
        """
        slowest = math.inf
        for partition, pace in paces.items():
            if not pace.is_behind:
                self._moved_at.pop(partition, None)
            elif now - self._moved_at.setdefault(partition, now) <= PATIENCE_SECONDS:
                slowest = min(slowest, -math.inf if pace.newest_at is None else pace.newest_at)
        self._ahead = frozenset(
            partition
            for partition, pace in paces.items()
            if pace.newest_at is not None and pace.newest_at > slowest + self._lead_allowed(partition)
        )
        return self._ahead

    def _lead_allowed(self, partition: Partition) -> float:
        return self._ahead_seconds / 2 if partition in self._ahead else self._ahead_seconds
