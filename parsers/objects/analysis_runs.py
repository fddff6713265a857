"""AnalysisRuns of argoproj.io: of their metrics those only that did not go well, without the measurements.

Source: argo-rollouts v1.7.1, pkg/apis/rollouts/v1alpha1/analysis_types.go (AnalysisRunStatus, MetricResult,
Measurement: the newest one is the last) and types.go for the labels; `completedAt` came with v1.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from parsers.facts.analysis_runs import ENDED_BADLY, SUCCESSFUL, AnalysisRunFacts, MetricFacts
from parsers.objects.members import (
    Object,
    controller_of,
    created_at_of,
    flag_at,
    message_at,
    number_at,
    object_at,
    objects_at,
    ref_of,
    text_at,
    time_at,
)

MAX_METRICS: Final = 8
"""Kept of one run: the first ones. Templates have a few."""
MAX_MESSAGE_CHARS: Final = 2_000
MAX_VALUE_CHARS: Final = 100
_NOTHING: Final[Object] = {}


def read_analysis_run(document: Object) -> AnalysisRunFacts:
    """Read an AnalysisRun."""
    status, labels = object_at(document, "status"), object_at(document, "metadata", "labels")
    phase = text_at(status, "phase")
    return AnalysisRunFacts(
        ref=ref_of(document),
        owner=controller_of(document),
        purpose=text_at(labels, "rollout-type"),
        step_index=number_at(labels, "step-index"),
        template_hash=text_at(labels, "rollouts-pod-template-hash"),
        created_at=created_at_of(document),
        started_at=time_at(status, "startedAt"),
        ended_at=_end_of(status) if phase in (*ENDED_BADLY, SUCCESSFUL) else None,
        phase=phase,
        message=message_at(status, "message")[:MAX_MESSAGE_CHARS],
        metrics=tuple(islice(_metrics_of(status), MAX_METRICS)),
    )


def _metrics_of(status: Object) -> Iterator[MetricFacts]:
    for result in objects_at(status, "metricResults"):
        newest = next(reversed(objects_at(result, "measurements")), _NOTHING)
        phase, measured = text_at(result, "phase"), text_at(newest, "phase")
        if flag_at(result, "dryRun") or phase == SUCCESSFUL or (phase not in ENDED_BADLY and measured != "Error"):
            continue
        message = (message_at(newest, "message") if measured == "Error" else "") or message_at(result, "message")
        value = message_at(newest, "value") if measured != "Error" else ""
        yield MetricFacts(text_at(result, "name"), phase, message[:MAX_MESSAGE_CHARS], value[:MAX_VALUE_CHARS])


def _end_of(status: Object) -> datetime | None:
    """When it ended: its own word, else the end of the newest measurement."""
    measurements = (one for result in objects_at(status, "metricResults") for one in objects_at(result, "measurements"))
    times = (time_at(one, "finishedAt") for one in measurements)
    return time_at(status, "completedAt") or max((at for at in times if at is not None), default=None)
