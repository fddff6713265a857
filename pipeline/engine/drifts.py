"""Looks after the numbers of all Rollouts of one cluster, and tells where they have not fitted for long.

What a stuck Rollout's numbers are is told by the incident of the failure. So a drift is told only of Rollouts that no
such incident is about, and one that was told is merged into it when it opens.

Decisions are made where time moves (`update`), from the versions of the objects in the order of their times: it does
not matter in which order several watches handed them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from parsers.events import ObjectKey
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift_clock import Held
from pipeline.engine.drift_incidents import STALE, Finding, begun, changed, ended, going_on, merged, ordered
from pipeline.engine.drift_scenes import breakpoints_of, key_of, ref_of, rollout_behind, scene_at
from pipeline.engine.drift_track import DriftMemory, DriftTrack
from pipeline.engine.elsewhere import Elsewhere
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import Incident
from pipeline.engine.informers import ControllerView, Verdict, view_of
from pipeline.engine.misfits import OF_STATUS, Scene, find_misfits
from pipeline.engine.outages import Outages
from pipeline.engine.settings import EngineSettings

MAX_INCIDENTS: Final = 4
"""Kept of one Rollout: the newest."""
STORE_EVERY: Final = timedelta(seconds=30)
"""So much of a hold time may be lost by a restart, where nothing else is stored."""


class Drifts:
    """The numbers of all Rollouts."""

    def __init__(self, cluster: str, state: ClusterState, settings: EngineSettings) -> None:
        self.tracks: dict[ObjectKey, DriftTrack] = {}
        self.until: datetime | None = None  # everything that the objects told up to then was looked at
        self.changed: set[ObjectKey] = set()  # since somebody stored them
        self._stored_until: datetime | None = None
        self._stuck: frozenset[ObjectKey] = frozenset()
        self.outages = Outages(cluster, state, settings)
        self._cluster = cluster
        self._state = state
        self._settings = settings

    def told(self) -> Iterator[Incident]:
        """Every drift in its newest revision."""
        for _, track in sorted(self.tracks.items()):
            yield from track.incidents
        yield from self.outages.told()

    def memory(self, key: ObjectKey) -> DriftMemory | None:
        """What has to be stored of a Rollout, None where there is nothing."""
        track = self.tracks.get(key)
        return DriftMemory(key, track) if track is not None else None

    def recall(self, memory: DriftMemory) -> None:
        """Know a Rollout again."""
        self.tracks[memory.key] = memory.track

    def recall_until(self, until: datetime | None) -> None:
        """Know again up to when was looked."""
        self.until = self._stored_until = until

    def is_storing_due(self) -> bool:
        """Whether a hold time went on for so long that a restart must not forget it."""
        if self.until is None or all(track.clock.is_idle for track in self.tracks.values()):
            return False
        return self._stored_until is None or self.until - self._stored_until >= STORE_EVERY

    def stored(self) -> None:
        """What there is was stored."""
        self._stored_until = self.until

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment."""
        self.outages.forget(before)
        for key, track in list(self.tracks.items()):
            kept = [one for one in track.incidents if one.resolved_at is None or one.resolved_at >= before]
            if len(kept) < len(track.incidents):
                track.incidents = kept
                self.changed.add(key)
            if track.is_idle and not track.incidents:
                del self.tracks[key]

    def update(self, until: datetime, troubles: Sequence[Trouble], told: Sequence[Incident]) -> list[Incident]:
        """Look at everything until a time; returns drifts that changed."""
        since, elsewhere = self.until, Elsewhere.of(troubles, told)
        freed = self._stuck - elsewhere.stuck
        self._stuck = elsewhere.stuck
        self.until = until if since is None else max(since, until)
        changes = list(self.outages.update(self.tracks, since, self.until))
        touched = self._touched(self.until) | freed
        keys = touched | self.tracks.keys()
        changes += [
            change
            for key in sorted(keys)
            for change in self._look(key, since, self.until, elsewhere, is_touched=key in touched)
        ]
        for key in [key for key in keys if (track := self.tracks.get(key)) and track.is_idle and not track.incidents]:
            del self.tracks[key]
            self.changed.add(key)
        return changes

    def _touched(self, until: datetime) -> set[ObjectKey]:
        """Rollouts of which something became different; what lies ahead waits."""
        objects = self._state.objects
        seen = {ref for ref in objects.touched if ref not in objects.versions or objects.versions[ref][-1][0] <= until}
        objects.touched -= seen
        rollouts = (rollout_behind(ref, objects) for ref in seen)
        return {key_of(rollout) for rollout in rollouts if rollout is not None}

    def _look(
        self, key: ObjectKey, since: datetime | None, until: datetime, elsewhere: Elsewhere, *, is_touched: bool
    ) -> Iterator[Incident]:
        track = self.tracks.get(key) or DriftTrack()
        if key in elsewhere.stuck:
            yield from self._give_over(key, track, until, elsewhere)
            return
        hold = self._settings.drift_seconds_for(key)
        if not hold:
            return
        if key in self.outages.covered:
            yield from self._leave_to_outage(key, track, until)
        look = _Look(self, key, track, elsewhere, hold)
        begin = since
        if is_touched:
            if since is not None:  # what came a moment late was so then
                look.see(since)
            for at in breakpoints_of(key, self._state.objects, since, until):
                yield from look.pass_time(begin, at)
                look.see(at)
                begin = at
        yield from look.pass_time(begin, until)
        if is_touched:
            look.see(until)
            yield from look.pass_time(until, until)

    def _give_over(
        self, key: ObjectKey, track: DriftTrack, until: datetime, elsewhere: Elsewhere
    ) -> Iterator[Incident]:
        """Another incident tells of it."""
        if not track.clock.is_idle:
            track.clock.clear()
            self.changed.add(key)
        into, incident = elsewhere.told_by.get(key), track.open
        if incident is not None and into is not None:
            track.incidents[-1] = merged(incident, into, until)
            self.changed.add(key)
            yield track.incidents[-1]

    def _leave_to_outage(self, key: ObjectKey, track: DriftTrack, until: datetime) -> Iterator[Incident]:
        """What was told of it before is told with the others now."""
        into, incident = self.outages.covered[key], track.open
        if incident is not None and into:
            track.incidents[-1] = merged(incident, into, until, "same_cause")
            self.changed.add(key)
            yield track.incidents[-1]

    def finding(self, key: ObjectKey, scene: Scene, track: DriftTrack, at: datetime, opened_at: datetime) -> Finding:
        """What there is to tell. A controller is suspected only of what has lasted long enough."""
        due = list(track.clock.due(at, self._settings.drift_seconds_for(key)))
        shown_at = max([opened_at, *breakpoints_of(key, self._state.objects, None, at)])
        return Finding(key, scene, ordered(track.clock.held.values()), self.view(key, scene, due), shown_at, opened_at)

    def view(self, key: ObjectKey, scene: Scene, held: Sequence[Held]) -> ControllerView | None:
        """What the controller says of a status that was not written."""
        of_status = [one for one in held if one.misfit.kind in OF_STATUS]
        if not of_status:
            return None
        hold = self._settings.drift_seconds_for(key)
        quiet_from = min(one.since for one in of_status) + timedelta(seconds=hold / 2)
        return view_of(self._state, key, scene.rollout.generation, quiet_from)

    def scene(self, key: ObjectKey, at: datetime) -> Scene | None:
        """How a Rollout was."""
        return scene_at(key, self._state.objects, at)

    def deleted_at(self, key: ObjectKey) -> datetime | None:
        """When a Rollout went, None where that was not seen."""
        gone = self._state.objects.gone.get(ref_of(key))
        return gone[0] if gone is not None else None

    def begun(self, finding: Finding) -> Incident:
        """Its incident, new."""
        return begun(finding, self._state, self._cluster, self._settings)

    @property
    def reopen(self) -> timedelta:
        """A drift that is back so soon is the same one."""
        return timedelta(seconds=self._settings.reopen_seconds)


class _Look:
    """One look at one Rollout."""

    def __init__(self, drifts: Drifts, key: ObjectKey, track: DriftTrack, elsewhere: Elsewhere, hold: float) -> None:
        self._drifts = drifts
        self._key = key
        self._track = track
        self._elsewhere = elsewhere
        self._hold = hold
        self._is_stale = False  # the facts of the incident are older than the objects

    def see(self, at: datetime) -> None:
        """Objects are as they are from now on."""
        scene = self._drifts.scene(self._key, at)
        misfits = find_misfits(scene) if scene is not None else []
        if self._track.clock.look(misfits, at, self._elsewhere.ended_at.get(self._key)):
            self._is_stale = True
            self._changed()

    def pass_time(self, since: datetime | None, until: datetime) -> Iterator[Incident]:
        """Time goes on, and nothing else: what was seen last lasts."""
        track = self._track
        if since is not None:
            track.clock.pass_time(since, until)
        incident = track.open
        if incident is None:
            yield from self._open(until)
        elif not track.clock.is_idle:
            yield from self._go_on(incident, until)
        elif self._drifts.scene(self._key, until) is None:
            yield self._tell(ended(incident, self._drifts.deleted_at(self._key) or until, "deleted"))
        elif track.clock.is_settled(until, self._hold):
            yield self._tell(ended(incident, track.clock.fits_since or until, "numbers_fit"))

    def _open(self, at: datetime) -> Iterator[Incident]:
        due = list(self._track.clock.due(at, self._hold))
        scene = self._drifts.scene(self._key, at) if due and self._key not in self._drifts.outages.covered else None
        if scene is None:
            return
        due = [one for one in due if self._is_to_be_told(one, scene)]
        if not due:
            return
        opened_at = min(one.due_at(self._hold) for one in due)
        finding = self._drifts.finding(self._key, scene, self._track, at, opened_at)
        newest = self._drifts.begun(finding)
        last = self._track.incidents[-1] if self._track.incidents else None
        if last is not None and last.status == "resolved" and self._is_back(last, due):
            reopened = changed(going_on(last, newest), "reopened", "numbers_do_not_fit_again")
            yield self._tell(reopened)
            return
        self._track.incidents.append(newest)
        del self._track.incidents[:-MAX_INCIDENTS]
        self._changed()
        yield newest

    def _is_back(self, last: Incident, due: Sequence[Held]) -> bool:
        since = min(one.since for one in due)
        return last.resolved_at is not None and since <= last.resolved_at + self._drifts.reopen

    def _is_to_be_told(self, held: Held, scene: Scene) -> bool:
        """A status that was not written may have a reason that is told elsewhere, or by itself soon."""
        if held.misfit.kind not in OF_STATUS:
            return True
        view = self._drifts.view(self._key, scene, [held])
        is_explained = view is not None and view.verdict in (Verdict.FAILING, Verdict.NOT_HEARD)
        return not is_explained and not self._elsewhere.is_controller_in_trouble

    def _go_on(self, incident: Incident, at: datetime) -> Iterator[Incident]:
        """Its facts follow the objects; it is told again only when an informer that is behind is suspected now."""
        is_newly_suspected = not incident.cause.suspects and self._is_suspected(at)
        scene = self._drifts.scene(self._key, at) if self._is_stale or is_newly_suspected else None
        if scene is None:
            return
        self._is_stale = False
        finding = self._drifts.finding(self._key, scene, self._track, at, incident.opened_at)
        newest = going_on(incident, self._drifts.begun(finding))
        if is_newly_suspected:
            yield self._tell(changed(newest, "updated", STALE))
        else:
            self._tell(newest)

    def _is_suspected(self, at: datetime) -> bool:
        due = [one for one in self._track.clock.due(at, self._hold) if one.misfit.kind in OF_STATUS]
        scene = self._drifts.scene(self._key, at) if due else None
        view = self._drifts.view(self._key, scene, due) if scene is not None else None
        return view is not None and view.verdict is Verdict.SUSPECTED

    def _tell(self, incident: Incident) -> Incident:
        self._track.incidents[-1] = incident
        self._changed()
        return incident

    def _changed(self) -> None:
        self._drifts.tracks[self._key] = self._track
        self._drifts.changed.add(self._key)
