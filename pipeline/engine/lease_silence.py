"""Whether somebody renews the Leases of controllers: who does not renew its Lease does not work.

A Lease counts only when a watch has seen it renewed before: one that was merely listed may have been left behind by a
controller that is gone for good, or runs without leader election now. Time counts while somebody looked, as with drift:
where the API server is away nobody can renew anything, and nobody can see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef

LONGEST_STEP: Final = timedelta(seconds=20)
"""Of time that counts as watched: the daemon looks every second. A longer step counts as this one."""


class LeaseWatched(msgspec.Struct):
    """One Lease that was seen renewed."""

    ref: ObjectRef
    alive_at: datetime  # renewed at about this time, or up to half a minute later
    holder: str
    quiet_seconds: float = 0.0  # watched since then
    alive_since: datetime | None = None  # renewed again since then, after it was silent; None: it was not silent

    def look(self, lease: LeaseFacts | None, passed: timedelta, until: datetime, silent_seconds: float) -> None:
        """Time went on; the Lease is as it is now, None: it is not there."""
        if lease is None or lease.alive_at is None or lease.alive_at <= self.alive_at:
            self.quiet_seconds += min(passed, LONGEST_STEP).total_seconds()
            return
        self.alive_since = until if self.quiet_seconds >= silent_seconds else self.alive_since
        self.alive_at, self.holder, self.quiet_seconds = lease.alive_at, lease.holder, 0.0


class LeaseSilence:
    """All Leases of one cluster that were seen renewed."""

    def __init__(self, silent_seconds: float) -> None:
        self.watched: dict[ObjectRef, LeaseWatched] = {}
        self._silent_seconds = silent_seconds

    def look(self, leases: Iterable[LeaseFacts], since: datetime | None, until: datetime) -> bool:
        """Time went on; says whether anything is known that was not."""
        passed = until - since if since is not None else timedelta(0)
        known = {lease.ref: lease for lease in leases}
        before = {ref: (one.alive_at, self._is_silent(one)) for ref, one in self.watched.items()}
        for ref, one in self.watched.items():
            one.look(known.get(ref), passed, until, self._silent_seconds)
        for ref, lease in known.items():
            if ref not in self.watched and lease.alive_at is not None:
                self.watched[ref] = LeaseWatched(ref, lease.alive_at, lease.holder)
        return before != {ref: (one.alive_at, self._is_silent(one)) for ref, one in self.watched.items()}

    def silent(self, name: str) -> LeaseWatched | None:
        """That of this name, where nobody renews it; of several the last that was, where all of them are silent."""
        named = [one for one in self.watched.values() if one.ref.name == name]
        if not named or not all(self._is_silent(one) for one in named):
            return None
        return max(named, key=lambda one: (one.alive_at, one.ref))

    def _is_silent(self, one: LeaseWatched) -> bool:
        return one.quiet_seconds >= self._silent_seconds
