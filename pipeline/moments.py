"""What a recording tells beside events: when the engine was asked, and what it was told of time and logs.

They travel with the events, in the order in which things happened. `at` is only where a moment stands among the events
of other inputs; where it says nothing of its own it is LONG_AGO, so that it moves nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime

from parsers.events import Event
from pipeline.engine.incidents import Incident

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class IncidentsLookedFor(Event, frozen=True):
    """Incidents were looked for; where time had gone on without events, it was `advanced_to` this."""

    advanced_to: datetime | None = None


class LogWatched(Event, frozen=True):
    """A log, that of the origin, was read over this time."""

    first_at: datetime | None = None
    last_at: datetime | None = None


class ControllerHeard(Event, frozen=True):
    """Lines of a controller, that of the origin, were read: the newest of them was written at `heard_at`."""

    source: str
    heard_at: datetime
    is_work: bool


class SilenceNoticed(Event, frozen=True):
    """A controller is not heard any more, or is again."""

    incident: Incident


class StateForgotten(Event, frozen=True):
    """What was over before `at` was forgotten."""


class StoryFinished(Event, frozen=True):
    """Everything was read that ever will be, by the process that recorded it."""


Moment = IncidentsLookedFor | LogWatched | ControllerHeard | SilenceNoticed | StateForgotten | StoryFinished
"""What is done with the engine beside feeding it."""
