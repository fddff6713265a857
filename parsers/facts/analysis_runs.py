"""AnalysisRuns: what was measured before a Rollout goes on, and how that ended."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.references import ObjectRef

SUCCESSFUL = "Successful"
ENDED_BADLY = ("Failed", "Error", "Inconclusive")
"""Phases that abort a Rollout, or, Inconclusive, hold it back until somebody decides."""


class MetricFacts(msgspec.Struct, frozen=True):
    """A metric that speaks against going on, or could not be measured."""

    name: str
    phase: str  # of the metric as a whole; Running: only its newest measurement went wrong
    message: str = ""  # what its provider said, redacted
    value: str = ""  # the newest one that was measured, as the provider gave it


class AnalysisRunFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """An AnalysisRun of argoproj.io."""

    ref: ObjectRef
    owner: ObjectRef | None = None  # a Rollout, or an Experiment
    purpose: str = ""  # Step, Background, PrePromotion or PostPromotion
    step_index: int | None = None
    template_hash: str = ""  # of the pods that are judged
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    phase: str = ""  # Pending, Running, Successful, Failed, Error or Inconclusive
    message: str = ""
    metrics: tuple[MetricFacts, ...] = ()  # those only that did not go well; none in a dry run

    @property
    def has_ended_badly(self) -> bool:
        """Whether the Rollout does not go on because of it."""
        return self.phase in ENDED_BADLY
