"""For how long something has not fitted, without interruption, while somebody looked.

Time is that of `advance`: the objects were watched then, and everything that they told was taken. A longer step (an
outage, a restart, a clock that jumps) counts as a short one, since nobody looked in between; what lasted before it is
not forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from pipeline.engine.misfits import Misfit, MisfitKind

LONGEST_STEP: Final = timedelta(seconds=120)
"""Of time that counts as watched: the daemon looks every second, and less often where it has much to read; a recording
of a quiet time tells of every minute."""
SETTLED_SHARE: Final = 0.1
"""Of the hold time: for so long everything has to fit before a drift is over."""


class Held(msgspec.Struct):
    """A misfit that goes on."""

    misfit: Misfit
    since: datetime  # it has been so since then
    counted_from: datetime  # and nothing has become better since then
    unwatched_seconds: float = 0.0
    best: tuple[int, int] | None = None

    def due_at(self, hold_seconds: float) -> datetime:
        """When it will have lasted long enough."""
        seconds = max(hold_seconds, self.misfit.at_least_seconds) + self.unwatched_seconds
        begin = max(self.counted_from, self.misfit.not_before or self.counted_from)
        return begin + timedelta(seconds=seconds)


class DriftClock(msgspec.Struct):
    """What does not fit at one Rollout, and for how long."""

    held: dict[MisfitKind, Held] = msgspec.field(default_factory=dict)
    fits_since: datetime | None = None

    @property
    def is_idle(self) -> bool:
        """Whether everything fits."""
        return not self.held

    def look(self, misfits: Iterable[Misfit], at: datetime, floor: datetime | None) -> bool:
        """Objects were as they are from this time on; says whether anything is different now.

        Args:
            misfits: what does not fit then.
            at: the time.
            floor: before that, something else explained everything.
        """
        before = {kind: (one.misfit, one.counted_from) for kind, one in self.held.items()}, self.fits_since
        found = {one.kind: one for one in misfits}
        for kind in [kind for kind in self.held if kind not in found]:
            del self.held[kind]
        for kind, misfit in found.items():
            self._hold(kind, misfit, at, floor)
        self.fits_since = None if found else self.fits_since or at
        return ({kind: (one.misfit, one.counted_from) for kind, one in self.held.items()}, self.fits_since) != before

    def _hold(self, kind: MisfitKind, misfit: Misfit, at: datetime, floor: datetime | None) -> None:
        held = self.held.get(kind)
        if held is None:
            since = min(at, misfit.proven_since or at)
            since = max(since, floor) if floor is not None else since
            self.held[kind] = Held(misfit, since, since, best=misfit.progress)
            return
        held.misfit = misfit
        if misfit.progress is not None and held.best is not None:
            best = (max(misfit.progress[0], held.best[0]), max(misfit.progress[1], held.best[1]))
            if best != held.best:
                held.best, held.counted_from, held.unwatched_seconds = best, at, 0.0

    def clear(self) -> None:
        """Something else explains everything."""
        self.held.clear()
        self.fits_since = None

    def pass_time(self, since: datetime, until: datetime) -> None:
        """Time went on, in one step."""
        surplus = (until - since - LONGEST_STEP).total_seconds()
        if surplus > 0:
            for held in self.held.values():
                held.unwatched_seconds += surplus

    def due(self, at: datetime, hold_seconds: float) -> Iterator[Held]:
        """What has lasted long enough by then."""
        for held in self.held.values():
            if held.due_at(hold_seconds) <= at:
                yield held

    def is_settled(self, at: datetime, hold_seconds: float) -> bool:
        """Whether everything has fitted for long enough to be over."""
        fits_for = (at - self.fits_since).total_seconds() if self.fits_since is not None else -1.0
        return fits_for >= SETTLED_SHARE * hold_seconds
