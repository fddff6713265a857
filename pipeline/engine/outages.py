"""Many Rollouts whose numbers do not fit because one controller does not work: told once, with all of them.

The evidence is the Lease of the controller that should act: nobody renews it, and everything that does not fit became
so after it was renewed last. Without that each drift is told by itself, and blames nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parsers.events import ObjectKey
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift_clock import Held
from pipeline.engine.drift_track import DriftTrack
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import LOCK
from pipeline.engine.lease_silence import LeaseSilence, LeaseWatched
from pipeline.engine.misfits import OF_STATUS, MisfitKind
from pipeline.engine.outage_incidents import Outage, begun, ended, going_on
from pipeline.engine.settings import EngineSettings

MAX_INCIDENTS: Final = 4
"""Kept of one controller: the newest."""
MANAGER: Final = "kube-controller-manager"
"""Name of the Lease of the controllers of ReplicaSets and HPAs, in kube-system."""
_OF_ROLLOUTS: Final = OF_STATUS | {MisfitKind.TOO_MANY_WANTED, MisfitKind.TOO_FEW_WANTED}
"""What the controller of Argo Rollouts would put right; the rest is the work of kube-controller-manager."""
_HEARD_AFTER: Final = timedelta(seconds=60)
"""A controller whose passes are read so long after its Lease was renewed works without it."""


class OutageMemory(msgspec.Struct, frozen=True, tag="outage"):
    """What is stored of the Leases of controllers, and of what was told."""

    leases: dict[str, tuple[LeaseWatched, ...]]  # by name
    incidents: dict[str, tuple[Incident, ...]]  # by the name of the Lease, newest last


class Outages:
    """The controllers of one cluster that do not renew their Leases."""

    def __init__(self, cluster: str, state: ClusterState, settings: EngineSettings) -> None:
        self._cluster = cluster
        self._state = state
        self._settings = settings
        self._leases = LeaseSilence(settings.lease_silent_seconds)
        self._incidents: dict[str, tuple[Incident, ...]] = {}
        self.covered: dict[ObjectKey, str] = {}
        """Rollouts that an outage explains, and the id of its incident; empty: it is not told yet."""

    def told(self) -> Iterator[Incident]:
        """Every incident in its newest revision."""
        for _, incidents in sorted(self._incidents.items()):
            yield from incidents

    def memory(self) -> OutageMemory | None:
        """What has to be stored, None where there is nothing."""
        if not self._leases.watched:
            return None
        leases: dict[str, tuple[LeaseWatched, ...]] = {}
        for ref, one in sorted(self._leases.watched.items()):
            kept = msgspec.structs.replace(one, quiet_seconds=one.quiet_seconds // 30 * 30)  # not a change a second
            leases[ref.name] = (*leases.get(ref.name, ()), kept)
        return OutageMemory(leases, self._incidents)

    def recall(self, memory: OutageMemory) -> None:
        """Know it again."""
        self._leases.watched = {one.ref: one for named in memory.leases.values() for one in named}
        self._incidents = dict(memory.incidents)

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment."""
        for name, incidents in list(self._incidents.items()):
            kept = tuple(one for one in incidents if one.resolved_at is None or one.resolved_at >= before)
            self._incidents[name] = kept
            if not kept:
                del self._incidents[name]

    def update(
        self, tracks: Mapping[ObjectKey, DriftTrack], since: datetime | None, until: datetime
    ) -> Iterator[Incident]:
        """Time went on; incidents that changed. Says by `covered` which Rollouts are not told of by themselves."""
        self._leases.look(self._state.inventory().leases(), since, until)
        self.covered = {}
        for name in (LOCK, MANAGER):
            yield from self._look(name, tracks, until)

    def _look(self, name: str, tracks: Mapping[ObjectKey, DriftTrack], until: datetime) -> Iterator[Incident]:
        lease = self._leases.silent(name)
        told = self._open(name)
        if lease is not None and not self._works_all_the_same(name, lease):
            victims = self._victims(name, lease, tracks)
            if told is not None and not victims:
                yield self._over(name, told, until, "numbers_fit")
                return
            incident = self._incident(name, lease, victims, tracks, until, told)
            if incident is not None:
                yield from self._tell(name, told, incident)
            self._cover(name, victims)
        elif told is not None:
            yield from self._end(name, told, tracks, until)

    def _works_all_the_same(self, name: str, lease: LeaseWatched) -> bool:
        """Whether passes of a controller are read that its Lease does not explain."""
        passes = [one.last_pass_at for one in self._state.origins.values() if one.last_pass_at is not None]
        return name == LOCK and any(at > lease.alive_at + _HEARD_AFTER for at in passes)

    def _victims(self, name: str, lease: LeaseWatched, tracks: Mapping[ObjectKey, DriftTrack]) -> list[ObjectKey]:
        return sorted(key for key, track in tracks.items() if list(_of_lease(name, lease, track.clock.held.values())))

    def _incident(
        self,
        name: str,
        lease: LeaseWatched,
        victims: list[ObjectKey],
        tracks: Mapping[ObjectKey, DriftTrack],
        until: datetime,
        told: Incident | None,
    ) -> Incident | None:
        """As it is now, None where nothing has lasted long enough to be told."""
        due = [
            one.due_at(self._settings.drift_seconds_for(key))
            for key in victims
            for one in _of_lease(name, lease, tracks[key].clock.held.values())
            if self._settings.drift_seconds_for(key)
        ]
        opened_at = min((at for at in due if at <= until), default=None)
        if opened_at is None and told is None:
            return None
        held = {key: list(_of_lease(name, lease, tracks[key].clock.held.values())) for key in victims}
        opened_at = told.opened_at if told is not None else opened_at or until
        outage = Outage(lease, held, max(opened_at, lease.alive_at), until)
        return begun(outage, self._state, self._cluster, self._settings)

    def _tell(self, name: str, told: Incident | None, newest: Incident) -> Iterator[Incident]:
        if told is None:
            self._incidents[name] = (*self._incidents.get(name, ()), newest)[-MAX_INCIDENTS:]
            yield newest
            return
        changed = going_on(told, newest)
        if changed != told:
            self._incidents[name] = (*self._incidents[name][:-1], changed)
        if changed.revision != told.revision:
            yield changed

    def _end(
        self, name: str, told: Incident, tracks: Mapping[ObjectKey, DriftTrack], until: datetime
    ) -> Iterator[Incident]:
        """The controller works again: its Rollouts have the hold time to come together."""
        victims = [ObjectKey("rollout", one.namespace or "", one.name or "") for one in told.victims]
        waiting = [key for key in victims if (track := tracks.get(key)) is not None and not track.clock.is_idle]
        since = min(
            (one.alive_since for one in self._leases.watched.values() if one.ref.name == name and one.alive_since),
            default=until,
        )
        if waiting and until < since + timedelta(seconds=max(map(self._settings.drift_seconds_for, waiting))):
            self._cover(name, waiting)
            return
        yield self._over(name, told, until, "leads_again")

    def _over(self, name: str, told: Incident, until: datetime, reason: str) -> Incident:
        over = ended(told, until, reason)
        self._incidents[name] = (*self._incidents[name][:-1], over)
        return over

    def _cover(self, name: str, keys: Iterable[ObjectKey]) -> None:
        incident = self._open(name)
        for key in keys:
            self.covered[key] = incident.id if incident is not None else ""

    def _open(self, name: str) -> Incident | None:
        newest = self._incidents.get(name, ())[-1:]
        return newest[0] if newest and newest[0].status == "open" else None


def _of_lease(name: str, lease: LeaseWatched, held: Iterable[Held]) -> Iterator[Held]:
    """What the controller of a Lease would have put right, and has not since it was renewed last."""
    held = list(held)
    is_of_rollouts = any(one.misfit.kind in _OF_ROLLOUTS for one in held)
    if is_of_rollouts is not (name == LOCK):
        return  # too few pods may be because the ReplicaSets want too few
    for one in held:
        if one.counted_from >= lease.alive_at:
            yield one
