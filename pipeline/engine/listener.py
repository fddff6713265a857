"""Listens to the controllers of one cluster, and tells when one is not heard any more, and when it is again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from parsers.events import Event
from parsers.facts.leases import LeaseFacts
from parsers.facts.seen import ObjectSeen, ObjectsListed
from parsers.records import Origin
from pipeline.engine.clusters import ClusterState
from pipeline.engine.hearing import ControllerName, Hearing, Listened
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import LOCK, Leader, Leadership, Role, find_leadership, host_of_holder, role_of
from pipeline.engine.remedies import runbook_of
from pipeline.engine.settings import EngineSettings
from pipeline.engine.silences import RUNBOOK, STANDS_BY, Scene, begun, ended

LEASE = "Lease"


class Listener:
    """Only what has shown that it is a controller, and how a healthy one looks in its log, is listened to."""

    def __init__(self, cluster: str, state: ClusterState, settings: EngineSettings) -> None:
        self._cluster = cluster
        self._state = state
        self._settings = settings
        self._hearings: dict[ControllerName, Hearing] = {}
        self._leases: list[LeaseFacts] | None = None  # None: to be looked for in the state

    def note(self, event: Event) -> None:
        """The state has taken an event, which may be about Leases."""
        is_seen = isinstance(event, ObjectSeen) and isinstance(event.facts, LeaseFacts)
        if is_seen or (isinstance(event, ObjectsListed) and event.kind == LEASE):
            self._leases = None

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
        leadership = self._leadership_of(name)
        hearing.note_leader(leadership)
        if not is_work and role_of(leadership, origin, known) is Role.STANDS_BY:
            hearing.hear_standby(origin, at)
        else:
            hearing.hear(origin, at, is_work=is_work)
        return self._end(hearing, at)

    def listen(self, listened: Listened) -> list[Incident]:
        """Time has passed; returns silences that count from now on, and those that were over with it."""
        changes: list[Incident] = []
        for hearing in self._hearings.values():
            if hearing.name.source != listened.source:
                continue
            leadership = self._leadership_of(hearing.name)
            hearing.note_leader(leadership)
            stands_by = leadership.role is Role.STANDS_BY
            if stands_by:
                hearing.rest()
            changes += self._end(hearing, listened.until, STANDS_BY if stands_by else None)
            kind = hearing.listen(listened)
            changes += self._end(hearing, listened.until)
            if kind is not None and hearing.silence is None:
                silence = begun(hearing, kind, listened, self._scene_of(hearing, leadership))
                hearing.note(silence)
                changes.append(silence.incident)
        return changes

    def leaders(self) -> Iterator[Leader]:
        """Who leads, by every Lease of a controller."""
        for lease in self._known_leases():
            if lease.ref.name == LOCK and lease.holder:
                yield Leader(self._cluster, lease.ref.namespace, host_of_holder(lease.holder), lease.acquired_at)

    def told(self) -> Iterator[Incident]:
        """Every silence in its newest revision."""
        for hearing in self._hearings.values():
            yield from (silence.incident for silence in hearing.silences)

    def hearings(self) -> Iterator[Hearing]:
        """What has to be remembered."""
        yield from self._hearings.values()

    def recall(self, hearing: Hearing) -> None:
        """Know a controller again; what was stored before controllers were told apart by their pods' names, too."""
        if hearing.name.is_namespace and not hearing.name.workload:
            hearing.name = ControllerName.of(hearing.name.source, hearing.origin)
        other = self._hearings.get(hearing.name)
        if other is None or other.heard_at <= hearing.heard_at:
            self._hearings[hearing.name] = hearing

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment."""
        for name, hearing in list(self._hearings.items()):
            hearing.forget(before)
            if hearing.is_forgotten(before):
                del self._hearings[name]

    def _leadership_of(self, name: ControllerName) -> Leadership:
        leases = self._known_leases()
        if not leases or not name.is_namespace or self._state.objects.is_unread(LEASE, name.place):
            return Leadership()
        return find_leadership(leases, self._state.origins, name.place, name.workload)

    def _known_leases(self) -> list[LeaseFacts]:
        if self._leases is None:
            newest = (history[-1][1] for ref, history in self._state.objects.versions.items() if ref.kind == LEASE)
            self._leases = [facts for facts in newest if isinstance(facts, LeaseFacts)]
        return self._leases

    def _scene_of(self, hearing: Hearing, leadership: Leadership) -> Scene:
        known = self._state.origins.get(hearing.origin)
        return Scene(
            cluster=self._cluster,
            version=known.version if known is not None else None,
            runbook_url=runbook_of(RUNBOOK, self._settings.runbook_url),
            leadership=leadership,
            leases_unread=self._state.objects.why_unread(LEASE, hearing.name.place),
        )

    def _end(self, hearing: Hearing, at: datetime, reason: str | None = None) -> list[Incident]:
        silence = hearing.silence
        if silence is None or hearing.goes_on(silence.kind):
            return []
        hearing.silences[-1] = ended(silence, at, reason)
        return [hearing.silences[-1].incident]
