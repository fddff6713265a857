"""The engine told a story: events, and what a recording tells beside them. What it is told to forget is kept here."""

from __future__ import annotations

from parsers.events import Event
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.watched import WatchedLog
from pipeline.moments import (
    ControllerHeard,
    IncidentsLookedFor,
    LogWatched,
    SilenceNoticed,
    StateForgotten,
    StoryFinished,
)


class Story:
    """What a replay feeds its engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, Incident] = {}  # incidents that the engine was to forget, as they ended
        self._silences: dict[str, Incident] = {}  # they were noticed by somebody who has listened

    def go_on(self, event: Event) -> None:
        """The next thing that happened."""
        match event:
            case IncidentsLookedFor(advanced_to=None):
                self._engine.evaluate()
            case IncidentsLookedFor(advanced_to=at) if at is not None:
                self._engine.advance(at)
            case LogWatched(origin=origin, first_at=first_at, last_at=last_at):
                self._engine.watch(WatchedLog(origin, first_at, last_at))
            case ControllerHeard(source=source, origin=origin, heard_at=heard_at, is_work=is_work):
                self._engine.hear(source, origin, heard_at, is_work=is_work)
            case SilenceNoticed(incident=incident):
                self._silences[incident.id] = incident
            case StateForgotten(at=before):
                self._kept.update((incident.id, incident) for incident in self._engine.told())
                self._engine.forget(before)
            case StoryFinished():
                self._engine.finish()
            case _:
                self._engine.feed(event)

    def incidents(self) -> list[Incident]:
        """All incidents in their newest form, by opened_at, then id; what was merged is part of another."""
        known = {incident.id for incident in self._engine.told()}
        kept = [one for one in self._kept.values() if one.id not in known and one.transition.reason != "withdrawn"]
        newest = {incident.id: incident for incident in (*self._silences.values(), *kept, *self._engine.incidents())}
        listed = [incident for incident in newest.values() if incident.status != "merged"]
        return sorted(listed, key=lambda incident: (incident.opened_at, incident.id))
