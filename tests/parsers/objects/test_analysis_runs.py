"""AnalysisRuns: what of their metrics is kept, and what tells of a failure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.facts.analysis_runs import AnalysisRunFacts, MetricFacts
from parsers.facts.references import ObjectRef
from parsers.objects.analysis_runs import MAX_METRICS
from parsers.objects.failing import failing_message
from parsers.objects.reading import read_objects

DNS = 'Post "https://prometheus.monitoring.svc:9090/api/v1/query": dial tcp: lookup prometheus: no such host'
ASSESSED = (
    f'Metric "rate" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): "Error Message: {DNS}"'
)
LABELS = {"rollout-type": "Step", "step-index": "1", "rollouts-pod-template-hash": "56bb"}
OWNER = [{"kind": "Rollout", "name": "web", "controller": True}]


def _measured(phase: str, minute: int, **members: str) -> dict[str, Any]:
    return {
        "phase": phase,
        "startedAt": f"2026-02-01T09:{minute:02}:00Z",
        "finishedAt": f"2026-02-01T09:{minute:02}:01Z",
        **members,
    }


def _metric(phase: str, *measurements: dict[str, Any], name: str = "success-rate", **members: Any) -> dict[str, Any]:
    return {"name": name, "phase": phase, "measurements": list(measurements), **members}


def _run(phase: str, *metrics: dict[str, Any], **status: str) -> AnalysisRunFacts:
    metadata = {"name": "web-2-1", "namespace": "shop", "labels": LABELS, "ownerReferences": OWNER}
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": metadata,
        "spec": {"args": [{"name": "token", "value": "canary-secret"}]},
        "status": {"phase": phase, "startedAt": "2026-02-01T09:00:00Z", "metricResults": list(metrics), **status},
    }
    (facts,) = read_objects(document)
    assert isinstance(facts, AnalysisRunFacts)
    return facts


def test_run_that_ended_in_error() -> None:
    """Whose it is, when it ended, and what the provider of its metric said; its arguments are not kept."""
    metric = _metric("Error", _measured("Error", 1, message=DNS), _measured("Error", 2, message=DNS), message=DNS)

    assert AnalysisRunFacts(
        ref=ObjectRef("AnalysisRun", "shop", "web-2-1"),
        owner=ObjectRef("Rollout", "shop", "web"),
        purpose="Step",
        step_index=1,
        template_hash="56bb",
        started_at=datetime(2026, 2, 1, 9, tzinfo=UTC),
        ended_at=datetime(2026, 2, 1, 9, 2, 1, tzinfo=UTC),
        phase="Error",
        message=ASSESSED,
        metrics=(MetricFacts("success-rate", "Error", DNS),),
    ) == _run("Error", metric, message=ASSESSED)


def test_its_own_word_of_its_end_counts() -> None:
    """`completedAt` of newer controllers, before the times of measurements."""
    run = _run("Failed", _metric("Failed", _measured("Failed", 2)), completedAt="2026-02-01T09:05:00Z")

    assert datetime(2026, 2, 1, 9, 5, tzinfo=UTC) == run.ended_at


METRICS: dict[str, tuple[dict[str, Any], tuple[MetricFacts, ...]]] = {
    "that was measured and is good": (_metric("Successful", _measured("Successful", 1, value="1")), ()),
    "that ended well after an error": (_metric("Successful", _measured("Error", 1, message=DNS)), ()),
    "whose newest measurement failed": (
        _metric("Running", _measured("Successful", 1), _measured("Error", 2, message=DNS)),
        (MetricFacts("success-rate", "Running", DNS),),
    ),
    "whose error is over": (_metric("Running", _measured("Error", 1, message=DNS), _measured("Successful", 2)), ()),
    "that was measured and is bad": (
        _metric("Failed", _measured("Failed", 1, value="[0.42]")),
        (MetricFacts("success-rate", "Failed", "", "[0.42]"),),
    ),
    "of a dry run": (_metric("Failed", _measured("Failed", 1, value="[0.42]"), dryRun=True), ()),
}


@pytest.mark.parametrize(("metric", "kept"), METRICS.values(), ids=METRICS)
def test_metric(metric: dict[str, Any], kept: tuple[MetricFacts, ...]) -> None:
    """Only what speaks against going on is kept."""
    assert kept == _run("Running", metric).metrics


def test_metrics_are_bounded() -> None:
    """Whatever an object holds."""
    metrics = [_metric("Failed", _measured("Failed", 1), name=f"m{number}") for number in range(3 * MAX_METRICS)]

    assert [f"m{number}" for number in range(MAX_METRICS)] == [one.name for one in _run("Failed", *metrics).metrics]


def test_provider_s_message_is_redacted() -> None:
    """Providers repeat what they were asked with."""
    message = "server returned 403 Forbidden: token=abcdefghij0123456789"
    run = _run("Error", _metric("Error", _measured("Error", 1, message=message)))

    assert "server returned 403 Forbidden: token=[redacted]" == run.metrics[0].message


FAILING: dict[str, tuple[AnalysisRunFacts, str]] = {
    "an error with a metric": (
        _run("Error", _metric("Error", _measured("Error", 1, message=DNS)), message=ASSESSED),
        DNS,
    ),
    "an error while it still runs": (_run("Running", _metric("Running", _measured("Error", 1, message=DNS))), DNS),
    "an error without a metric": (_run("Error", message="failed to resolve args"), "failed to resolve args"),
    "a bad value is none": (
        _run("Failed", _metric("Failed", _measured("Failed", 1, value="0.4")), message='Metric "x" assessed Failed'),
        "",
    ),
    "a value that tells nothing is none": (_run("Inconclusive", message='Metric "x" assessed Inconclusive'), ""),
    "success": (_run("Successful"), ""),
}


@pytest.mark.parametrize(("run", "message"), FAILING.values(), ids=FAILING)
def test_message_of_a_failure(run: AnalysisRunFacts, message: str) -> None:
    """A failure is what could not be measured; what was measured is the analysis at work."""
    assert message == failing_message(run)
