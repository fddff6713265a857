"""Listens to the controllers of one cluster, and tells when one is not heard any more, and when it is again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from parsers.records import Origin
from pipeline.engine.clusters import ClusterState
from pipeline.engine.hearing import ControllerName, Hearing, Listened
from pipeline.engine.incidents import Incident
from pipeline.engine.remedies import runbook_of
from pipeline.engine.settings import EngineSettings
from pipeline.engine.silences import RUNBOOK, begun, ended


class Listener:
    """Only what has shown that it is a controller, and how a healthy one looks in its log, is listened to."""

    def __init__(self, cluster: str, state: ClusterState, settings: EngineSettings) -> None:
        self._cluster = cluster
        self._state = state
        self._settings = settings
        self._hearings: dict[ControllerName, Hearing] = {}

    def hear(self, source: str, origin: Origin, at: datetime, *, is_work: bool) -> list[Incident]:
        """Lines of an origin were read, the newest of this time; returns the silence that ended by that."""
        known = self._state.origins.get(origin)
        if known is None or not known.is_controller:
            return []
        name = ControllerName.of(source, origin)
        hearing = self._hearings.get(name)
        if hearing is None:
            if not known.shows_passes:
                return []
            hearing = self._hearings[name] = Hearing(name, origin, min(known.first_at, at), at)
        hearing.hear(origin, at, is_work=is_work)
        return self._end(hearing, at)

    def listen(self, listened: Listened) -> list[Incident]:
        """Time has passed; returns silences that count from now on, and those that were over with it."""
        changes: list[Incident] = []
        for hearing in self._hearings.values():
            if hearing.name.source != listened.source:
                continue
            kind = hearing.listen(listened)
            changes += self._end(hearing, listened.until)
            if kind is not None and hearing.silence is None:
                known = self._state.origins.get(hearing.origin)
                version = known.version if known is not None else None
                runbook = runbook_of(RUNBOOK, self._settings.runbook_url)
                silence = begun(hearing, kind, listened, self._cluster, version, runbook)
                hearing.note(silence)
                changes.append(silence.incident)
        return changes

    def told(self) -> Iterator[Incident]:
        """Every silence in its newest revision."""
        for hearing in self._hearings.values():
            yield from (silence.incident for silence in hearing.silences)

    def hearings(self) -> Iterator[Hearing]:
        """What has to be remembered."""
        yield from self._hearings.values()

    def recall(self, hearing: Hearing) -> None:
        """Know a controller again."""
        self._hearings[hearing.name] = hearing

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment."""
        for name, hearing in list(self._hearings.items()):
            hearing.forget(before)
            if hearing.is_forgotten(before):
                del self._hearings[name]

    def _end(self, hearing: Hearing, at: datetime) -> list[Incident]:
        silence = hearing.silence
        if silence is None or hearing.goes_on(silence.kind):
            return []
        hearing.silences[-1] = ended(silence, at)
        return [hearing.silences[-1].incident]
