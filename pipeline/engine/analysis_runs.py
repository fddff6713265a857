"""AnalysisRuns of Rollouts: which of them are remembered, and what they say of what is stuck.

They are facts of an incident, and blame nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from parsers.events import ObjectKey
from parsers.facts.analysis_runs import SUCCESSFUL, AnalysisRunFacts
from parsers.facts.references import ObjectRef
from pipeline.engine.inventory import Inventory
from pipeline.engine.object_changes import Change

MAX_RUNS = 5
"""Remembered of one Rollout or Experiment, the newest ones: as many as a Rollout keeps that did not go well."""
MAX_TEXT_CHARS = 300
_DAWN = datetime.min.replace(tzinfo=UTC)
_EFFECTS = {
    "Failed": "a Rollout is aborted by it",
    "Error": "a Rollout is aborted by it",
    "Inconclusive": "a Rollout stays paused until somebody decides",
}


class NewestRuns:
    """Which runs of each owner are remembered: a Rollout that is updated every hour has many."""

    def __init__(self) -> None:
        self._of_owner: dict[ObjectRef, dict[ObjectRef, datetime]] = {}
        self._owners: dict[ObjectRef, ObjectRef] = {}

    def add(self, run: AnalysisRunFacts) -> ObjectRef | None:
        """Take note of a run; the one to be forgotten for it, if there is one."""
        owner = run.owner or run.ref
        runs = self._of_owner.setdefault(owner, {})
        runs[run.ref] = run.created_at or _DAWN
        self._owners[run.ref] = owner
        if len(runs) <= MAX_RUNS:
            return None
        return min(runs, key=lambda ref: (runs[ref], ref))

    def discard(self, ref: ObjectRef) -> None:
        """Forget a run; anything else is none."""
        owner = self._owners.pop(ref, None)
        if owner is None:
            return
        runs = self._of_owner[owner]
        del runs[ref]
        if not runs:
            del self._of_owner[owner]


def went_well(facts: object) -> bool:
    """Whether it is a run that explains nothing, as it has ended well."""
    return isinstance(facts, AnalysisRunFacts) and facts.phase == SUCCESSFUL


def rollout_behind(facts: object) -> ObjectKey | None:
    """Whose going on a run decides; None of what is no run, or belongs to no Rollout."""
    owner = facts.owner if isinstance(facts, AnalysisRunFacts) else None
    return ObjectKey("rollout", owner.namespace, owner.name) if owner is not None and owner.kind == "Rollout" else None


def verdicts_on(keys: Iterable[ObjectKey], inventory: Inventory) -> Iterator[Change]:
    """How runs ended that do not let their Rollouts go on."""
    for key in keys:
        if key.kind != "rollout":
            continue
        for run in inventory.analysis_runs(ObjectRef("Rollout", key.namespace, key.name)):
            at = run.ended_at or inventory.seen_at(run.ref)
            if run.has_ended_badly and at is not None:
                yield Change(at, text_of(run), "analysis")


def text_of(run: AnalysisRunFacts) -> str:
    """What a run found, in a sentence."""
    kind = f" ({run.purpose})" if run.purpose else ""
    owner = f" of {run.owner}" if run.owner is not None else ""
    text = f"{run.ref}{kind}{owner} ends as {run.phase}: {_EFFECTS[run.phase]}"
    reason = run.message or next((one.message for one in run.metrics if one.message), "")
    values = [f"{one.name} was {one.value}" for one in run.metrics if one.value]
    told = "; ".join(part for part in (reason, *values) if part)
    return f"{text}: {told}"[:MAX_TEXT_CHARS] if told else text
