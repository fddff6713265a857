"""What is known of the numbers of one Rollout; stored as it is."""

from __future__ import annotations

import msgspec

from parsers.events import ObjectKey
from pipeline.engine.drift_clock import DriftClock
from pipeline.engine.incidents import Incident


class DriftTrack(msgspec.Struct):
    """What does not fit, and what was told of it."""

    clock: DriftClock = msgspec.field(default_factory=DriftClock)
    incidents: list[Incident] = msgspec.field(default_factory=list)  # newest last

    @property
    def open(self) -> Incident | None:
        """The incident that goes on."""
        newest = self.incidents[-1] if self.incidents else None
        return newest if newest is not None and newest.status == "open" else None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to look after."""
        return self.clock.is_idle and self.open is None


class DriftMemory(msgspec.Struct, frozen=True, tag="drift"):
    """What is stored of one Rollout."""

    key: ObjectKey
    track: DriftTrack
