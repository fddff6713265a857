"""Looks after the Rollouts of one cluster that AnalysisRuns have ended or hold, and tells of each.

What another incident tells of a Rollout is told there: of one that is stuck nothing is told here, and what was told
is merged into it. As with drift, decisions are made where time moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parsers.events import ObjectKey
from parsers.facts.analysis_runs import AnalysisRunFacts
from parsers.facts.rollouts import RolloutFacts
from pipeline.engine.analysis_halts import halt_of, may_be_halted
from pipeline.engine.analysis_incidents import Finding, begun, ended, going_on, merged
from pipeline.engine.clusters import ClusterState
from pipeline.engine.drift_scenes import as_of, key_of, ref_of
from pipeline.engine.elsewhere import Elsewhere
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import AnalysisSeverity, EngineSettings

MAX_INCIDENTS: Final = 4
"""Kept of one Rollout: the newest."""


class AnalysisMemory(msgspec.Struct, frozen=True, tag="analysis"):
    """What is stored of one Rollout."""

    key: ObjectKey
    incidents: tuple[Incident, ...]  # newest last


class AnalysisWatch:
    """All Rollouts of one cluster."""

    def __init__(self, cluster: str, state: ClusterState, settings: EngineSettings) -> None:
        self.changed: set[ObjectKey] = set()  # since somebody stored them
        self._incidents: dict[ObjectKey, tuple[Incident, ...]] = {}
        self._cluster = cluster
        self._state = state
        self._settings = settings

    def told(self) -> Iterator[Incident]:
        """Every incident in its newest revision."""
        for _, incidents in sorted(self._incidents.items()):
            yield from incidents

    def memory(self, key: ObjectKey) -> AnalysisMemory | None:
        """What has to be stored of a Rollout, None where there is nothing."""
        incidents = self._incidents.get(key)
        return AnalysisMemory(key, incidents) if incidents else None

    def recall(self, memory: AnalysisMemory) -> None:
        """Know a Rollout again."""
        self._incidents[memory.key] = memory.incidents

    def forget(self, before: datetime) -> None:
        """Forget what was over before a moment."""
        for key, incidents in list(self._incidents.items()):
            kept = tuple(one for one in incidents if one.resolved_at is None or one.resolved_at >= before)
            if len(kept) < len(incidents):
                self._keep(key, kept)

    def update(self, until: datetime, troubles: Sequence[Trouble], told: Sequence[Incident]) -> list[Incident]:
        """Look at everything until a time; returns incidents that changed."""
        elsewhere = Elsewhere.of(troubles, told)
        halted = {key_of(one.ref) for one in self._state.inventory().rollouts() if may_be_halted(one)}
        open_keys = {key for key, incidents in self._incidents.items() if incidents[-1].status == "open"}
        return [change for key in sorted(halted | open_keys) for change in self._look(key, until, elsewhere)]

    def _look(self, key: ObjectKey, until: datetime, elsewhere: Elsewhere) -> Iterator[Incident]:
        known = self._incidents.get(key, ())
        incident = known[-1] if known and known[-1].status == "open" else None
        if key in elsewhere.stuck:
            into = elsewhere.told_by.get(key)
            if incident is not None and into is not None:
                yield self._replace(key, merged(incident, into, until))
            return
        rollout = as_of(self._state.objects.versions.get(ref_of(key), ()), until)
        finding = self._finding(key, rollout, until, elsewhere) if isinstance(rollout, RolloutFacts) else None
        if finding is None:
            if incident is not None:
                yield self._replace(key, self._ended(key, incident, until, is_there=rollout is not None))
            return
        newest = begun(finding, self._state, self._cluster, self._settings)
        if incident is not None and incident.fingerprint == newest.fingerprint:
            self._follow(key, incident, newest)
            return
        if incident is not None:  # retried, and ended again in between
            yield self._replace(key, self._ended(key, incident, finding.since, is_there=True))
        if self._is_due(finding, until) and newest.id not in {one.id for one in self._incidents.get(key, ())}:
            self._keep(key, (*self._incidents.get(key, ()), newest)[-MAX_INCIDENTS:])
            yield newest

    def _finding(self, key: ObjectKey, rollout: RolloutFacts, until: datetime, elsewhere: Elsewhere) -> Finding | None:
        if self._settings.analysis_severity is AnalysisSeverity.OFF:
            return None
        runs = self._state.inventory().analysis_runs(rollout.ref)
        halt = halt_of(rollout, runs)
        seen_at = self._state.inventory().seen_at(rollout.ref)
        if halt is None or seen_at is None:
            return None
        run = next((one for one in runs if one.ref == halt.run), None)
        since = halt.since or (run.ended_at if run is not None else None) or seen_at
        since = min(since, until)
        told_from = max(since, elsewhere.ended_at.get(key, since))  # before that, another incident told of it
        return Finding(key, rollout, halt, run, since, told_from)

    def _is_due(self, finding: Finding, until: datetime) -> bool:
        """The run comes by another watch, a moment later perhaps."""
        wait = timedelta(seconds=self._settings.group_wait_seconds)
        return _is_known(finding.run) or until >= finding.opened_at + wait

    def _follow(self, key: ObjectKey, incident: Incident, newest: Incident) -> None:
        """Its facts are those of now; that is no news."""
        same = going_on(incident, newest)
        if same != incident:
            self._replace(key, same)

    def _ended(self, key: ObjectKey, incident: Incident, at: datetime, *, is_there: bool) -> Incident:
        gone = self._state.objects.gone.get(ref_of(key))
        if is_there:
            return ended(incident, at, "went_on")
        return ended(incident, gone[0] if gone is not None else at, "deleted")

    def _replace(self, key: ObjectKey, incident: Incident) -> Incident:
        self._keep(key, (*self._incidents[key][:-1], incident))
        return incident

    def _keep(self, key: ObjectKey, incidents: tuple[Incident, ...]) -> None:
        self.changed.add(key)
        if incidents:
            self._incidents[key] = incidents
        else:
            del self._incidents[key]


def _is_known(run: AnalysisRunFacts | None) -> bool:
    return run is not None and run.has_ended_badly
