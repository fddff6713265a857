"""Renewals of Leases, which come every few seconds: that there are some is told, and not each of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef

TOLD_EVERY_SECONDS: Final = 30


class Renewals:
    """What the watch of one kind saw of Leases."""

    def __init__(self) -> None:
        self._renewed: dict[ObjectRef, datetime | None] = {}  # the time that stands in each
        self._alive: dict[ObjectRef, datetime] = {}

    def thinned(self, lease: LeaseFacts, at: datetime | None) -> LeaseFacts:
        """The Lease without the time of its renewal; with that at which one was seen, on the clock of whystuck.

        Args:
            lease: as it is.
            at: when a watch saw it become so; None: it was listed, and may have been so for long.
        """
        before = self._renewed.get(lease.ref)
        self._renewed[lease.ref] = lease.renewed_at
        if at is not None and before is not None and lease.renewed_at not in (None, before):
            self._alive[lease.ref] = _rounded_down(at)
        return msgspec.structs.replace(lease, renewed_at=None, alive_at=self._alive.get(lease.ref))


def _rounded_down(at: datetime) -> datetime:
    seconds = at.timestamp() // TOLD_EVERY_SECONDS * TOLD_EVERY_SECONDS
    return datetime.fromtimestamp(seconds, at.tzinfo)
