"""Which Rollouts an AnalysisRun has ended or holds, by what the Rollout itself says. Pure.

The controller aborts an update when a run fails or cannot measure, and writes the run's message behind its own words
into the condition Progressing. An abort by a person has no such message, and one by the progress deadline another: they
are no halt. A pause is one only where its reason is an inconclusive run.

Source: argo-rollouts v1.7.1 and v1.9.1, rollout/analysis.go and rollout/sync.go (calculateRolloutConditions);
v1.9 puts "Background analysis phase error/failed: " and the like before the run's message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from parsers.facts.analysis_runs import AnalysisRunFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts

INCONCLUSIVE: Final = "Inconclusive"
ENDS_UPDATES: Final = ("Failed", "Error")
PAUSED_BY_RUN: Final = "InconclusiveAnalysisRun"
"""The reason of a pause."""
_ABORTED: Final = "RolloutAborted"
_COMPARED_CHARS: Final = 500
"""Of a message: both sides are cut at some length."""


class Halt(msgspec.Struct, frozen=True):
    """An AnalysisRun does not let a Rollout go on."""

    phase: str  # of the run: Failed, Error or Inconclusive
    since: datetime | None  # None: the status does not say
    run: ObjectRef | None  # None: nothing names it
    reason: str = ""  # as the Rollout or the run says it

    @property
    def is_abort(self) -> bool:
        """Whether the update was ended; else it waits for a decision."""
        return self.phase in ENDS_UPDATES


class _Named(msgspec.Struct, frozen=True):
    run: ObjectRef
    phase: str
    message: str


def may_be_halted(rollout: RolloutFacts) -> bool:
    """Whether it is worth looking for a run."""
    return not rollout.is_deleting and (rollout.is_aborted or PAUSED_BY_RUN in rollout.pause_reasons)


def halt_of(rollout: RolloutFacts, runs: Sequence[AnalysisRunFacts]) -> Halt | None:
    """What an AnalysisRun does to a Rollout, None where none does.

    Args:
        rollout: as it is.
        runs: its AnalysisRuns, oldest first, as far as they are known.
    """
    if not may_be_halted(rollout):
        return None
    named = list(_named(rollout, runs))
    if rollout.is_aborted:
        return _abort(rollout, [one for one in named if one.phase in ENDS_UPDATES])
    held = next((one for one in named if one.phase == INCONCLUSIVE), None)
    since = rollout.paused_at or _changed_at(rollout, "Paused")
    return Halt(INCONCLUSIVE, since, held.run, held.message) if held is not None else Halt(INCONCLUSIVE, since, None)


def _abort(rollout: RolloutFacts, named: Sequence[_Named]) -> Halt | None:
    """The first run whose message is the reason that the controller gives."""
    reason = _abort_reason(rollout)
    for one in named:
        if one.message and one.message[:_COMPARED_CHARS] in reason:
            since = rollout.aborted_at or _changed_at(rollout, "Progressing")
            return Halt(one.phase, since, one.run, one.message)
    return None


def _abort_reason(rollout: RolloutFacts) -> str:
    """What stands behind `Rollout aborted update to revision 2: `; empty where a person has aborted it."""
    aborted = (one.message for one in rollout.conditions if (one.type, one.reason) == ("Progressing", _ABORTED))
    return next(aborted, "").partition(": ")[2]


def _named(rollout: RolloutFacts, runs: Sequence[AnalysisRunFacts]) -> Iterator[_Named]:
    """Those that the status names before the others; of these the newest first, and none of another pod template."""
    for verdict in rollout.verdicts:
        yield _Named(ObjectRef("AnalysisRun", rollout.ref.namespace, verdict.run), verdict.phase, verdict.message)
    for run in reversed(runs):
        if run.has_ended_badly and (not run.template_hash or run.template_hash == rollout.current_hash):
            yield _Named(run.ref, run.phase, run.message)


def _changed_at(rollout: RolloutFacts, condition: str) -> datetime | None:
    return next((one.changed_at for one in rollout.conditions if one.type == condition), None)
