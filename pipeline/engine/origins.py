"""What an origin shows about itself: a controller's process, or another component's log."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.events import ControllerStarted, ControllerStopped, Event, LeaderElected, LeaderLost

MAX_MILESTONES = 32


class OriginState(msgspec.Struct):
    """What one origin showed about itself."""

    first_at: datetime
    last_at: datetime
    is_controller: bool = False
    shows_passes: bool = False  # healthy passes can be seen: the log level is info
    shows_attempts: bool = False  # lines with a key: v0.10 and later
    version: str | None = None
    identity: str = ""  # as which its process leads, by its own words
    starts: list[datetime] = msgspec.field(default_factory=list)
    leads: list[datetime] = msgspec.field(default_factory=list)
    losses: list[datetime] = msgspec.field(default_factory=list)
    stops: list[datetime] = msgspec.field(default_factory=list)
    first_pass_at: datetime | None = None
    last_pass_at: datetime | None = None

    def note_milestone(self, event: Event) -> None:
        """Something happened to its process as a whole."""
        match event:
            case ControllerStarted():
                self.version = event.version or self.version
                _note(self.starts, event.at)
            case LeaderElected():
                _note(self.leads, event.at)
                if "/" not in event.identity:  # that is the name of the Lease
                    self.identity = event.identity or self.identity
            case LeaderLost():
                _note(self.losses, event.at)
            case ControllerStopped():
                _note(self.stops, event.at)


def _note(times: list[datetime], at: datetime) -> None:
    times.append(at)
    if len(times) > MAX_MILESTONES:
        del times[1]
