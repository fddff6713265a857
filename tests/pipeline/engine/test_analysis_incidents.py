"""Rollouts that an AnalysisRun has ended or holds are told of, and no others."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from parsers.facts.analysis_runs import AnalysisRunFacts, MetricFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import AnalysisVerdict, RolloutFacts
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import AnalysisSeverity, EngineSettings
from tests.pipeline.engine.builders import API, at, back_off, healthy
from tests.pipeline.engine.drift_stories import CANARY, ROLLOUT, Story, begin, rollout_facts, watched

RUN = ObjectRef("AnalysisRun", "shop", "web-2-1")
MESSAGE = 'Metric "success-rate" assessed Failed due to failed (1) > failureLimit (0)'
ABORTED = "Rollout aborted update to revision 2"
RETRY = "kubectl argo rollouts -n shop retry rollout web"
PROMOTE = "kubectl argo rollouts -n shop promote web"


def _run(
    phase: str = "Failed", *, name: str = RUN.name, message: str = MESSAGE, seconds: float = 10
) -> AnalysisRunFacts:
    metric = MetricFacts("success-rate", phase, "" if phase == "Failed" else "no such host", "[0.42]")
    return AnalysisRunFacts(
        ref=ObjectRef("AnalysisRun", "shop", name),
        owner=ROLLOUT,
        purpose="Step",
        template_hash=CANARY,
        created_at=at(0),
        ended_at=at(seconds),
        phase=phase,
        message=message,
        metrics=(metric,),
    )


def _aborted(
    reason: str = f": {MESSAGE}", *, seconds: float = 10, run: str = "", phase: str = "Failed"
) -> RolloutFacts:
    return rollout_facts(
        phase="Degraded",
        is_aborted=True,
        aborted_at=at(seconds),
        current_hash=CANARY,
        message=f"RolloutAborted: {ABORTED}{reason}",
        conditions=(ConditionFacts("Progressing", "False", "RolloutAborted", f"{ABORTED}{reason}", at(seconds)),),
        verdicts=(AnalysisVerdict(run, phase, MESSAGE),) if run else (),
    )


def _paused(*reasons: str, verdicts: Iterable[AnalysisVerdict] = ()) -> RolloutFacts:
    return rollout_facts(
        phase="Paused",
        is_paused=True,
        paused_at=at(10),
        current_hash=CANARY,
        pause_reasons=reasons,
        verdicts=tuple(verdicts),
    )


def _told(story: Story) -> list[tuple[str, str]]:
    found = [one for one in story.told if one.kind == "analysis"]
    return [(one.transition.name, one.transition.reason) for one in found]


def _newest(story: Story) -> Incident:
    return [one for one in story.engine.told() if one.kind == "analysis"][-1]


def _commands(incident: Incident) -> list[str | None]:
    return [step.command for step in incident.remediation]


def test_update_that_a_failed_run_has_ended() -> None:
    """With the metric, what was measured, and how to go on."""
    story = Story().see(begin(_run(), _aborted(run=RUN.name), seconds=11)).wait(20)
    assert [("opened", "analysis_failed")] == _told(story)
    incident = _newest(story)
    title = "rollout shop/web: its update was aborted, as AnalysisRun shop/web-2-1 failed (metric success-rate)"
    assert (title, at(10), "warning") == (incident.title, incident.opened_at, incident.severity)
    assert incident.cause.culprit is not None
    assert (True, "AnalysisRun", RUN.name) == (
        incident.cause.established,
        incident.cause.culprit.kind,
        incident.cause.culprit.name,
    )
    assert "Metric success-rate is Failed, measured [0.42]" in incident.summary
    assert MESSAGE in incident.summary
    assert RETRY in _commands(incident)
    assert PROMOTE not in _commands(incident)


def test_run_that_only_the_rollout_names() -> None:
    """Runs may not be read, or are deleted by now; it is told a moment later, as the run might still come."""
    story = Story().see(begin(_aborted(run="web-2-7", phase="Error"), seconds=11)).wait(5, step=1)
    assert [] == _told(story)
    story.wait(20)
    assert [("opened", "analysis_error")] == _told(story)
    assert "AnalysisRun shop/web-2-7 could not measure" in _newest(story).title


def test_pause_of_an_inconclusive_run() -> None:
    """It waits for somebody, who promotes it: over."""
    run = _run("Inconclusive", message='Metric "success-rate" assessed Inconclusive')
    story = Story().see(begin(run, _paused("InconclusiveAnalysisRun"), seconds=11)).wait(20)
    assert [("opened", "analysis_inconclusive")] == _told(story)
    incident = _newest(story)
    assert "it is paused, as AnalysisRun shop/web-2-1 is inconclusive (metric success-rate)" in incident.title
    assert PROMOTE in _commands(incident)
    story.see(watched(30, rollout_facts(current_hash=CANARY))).wait(20)
    assert ("resolved", "went_on") == _told(story)[-1]


def test_pause_of_an_inconclusive_run_that_nothing_names() -> None:
    """The reason of the pause is enough to tell of it; nobody is named then."""
    incident = _newest(Story().see(begin(_paused("InconclusiveAnalysisRun"), seconds=11)).wait(30))
    assert incident.cause.culprit is None
    assert "kubectl -n shop get analysisruns.argoproj.io" in _commands(incident)


NO_HALT = {
    "a step's pause": [_paused("CanaryPauseStep")],
    "a pause before the promotion": [_paused("BlueGreenPause")],
    "a manual pause": [rollout_facts(phase="Paused", is_paused=True)],
    "a pause of a step beside an old inconclusive run": [_run("Inconclusive"), _paused("CanaryPauseStep")],
    "an abort by a person": [_aborted("")],
    "an abort by a person after an earlier run failed": [_run(), _aborted("")],
    "an abort by the deadline": [_run(), _aborted(': ReplicaSet "web-54b8d7" has timed out progressing.')],
    "an abort whose run is of nobody": [_aborted()],
    "a failed run of a Rollout that was retried": [_run(), rollout_facts(current_hash=CANARY, phase="Progressing")],
    "a Rollout that goes away": [_run(), rollout_facts(is_aborted=True, is_deleting=True)],
}


@pytest.mark.parametrize("facts", NO_HALT.values(), ids=NO_HALT)
def test_no_incident(facts: list[RolloutFacts | AnalysisRunFacts]) -> None:
    """What somebody wants, or what has another reason."""
    assert [] == _told(Story().see(begin(*facts, seconds=11)).wait(60))


def test_retry_that_fails_again_is_another_incident() -> None:
    """Told by its own run; the one before ends when it was retried."""
    story = Story().see(begin(_run(), _aborted(run=RUN.name), seconds=11)).wait(20)
    again = _run(name="web-2-2", seconds=40)
    story.see(watched(40, again), watched(41, _aborted(seconds=40, run="web-2-2"))).wait(40)
    opened = ("opened", "analysis_failed")
    assert [opened, ("resolved", "went_on"), opened] == _told(story)
    assert "web-2-2" in _newest(story).title


def test_rollout_that_is_deleted() -> None:
    """Nothing waits any more."""
    story = Story().see(begin(_run(), _aborted(), seconds=11)).wait(20)
    story.see(watched(30, _aborted(), is_deleted=True)).wait(20)
    assert ("resolved", "deleted") == _told(story)[-1]


def test_after_a_restart_it_is_the_same() -> None:
    """Nothing is told twice, and its end is told."""
    story = Story().see(begin(_run(), _aborted(), seconds=11)).wait(20).restart().wait(60)
    assert [("opened", "analysis_failed")] == _told(story)
    story.see(watched(90, rollout_facts())).wait(20)
    assert ("resolved", "went_on") == _told(story)[-1]


def test_forgotten_when_it_was_over_for_long() -> None:
    """And nothing of it is stored any more."""
    story = Story().see(begin(_run(), _aborted(), seconds=11)).wait(20)
    story.see(watched(30, rollout_facts())).wait(20)
    story.engine.forget(at(600))
    assert [] == [one for one in story.engine.told() if one.kind == "analysis"]


def test_rollout_that_is_stuck_is_told_of_once() -> None:
    """The incident of the failure goes on with it, and what is left when that is over is told then."""
    stuck = msgspec.structs.replace(_aborted(), ref=ObjectRef("Rollout", API.namespace, API.name))
    of_api = msgspec.structs.replace(_run(), owner=stuck.ref)
    story = Story().see(begin(of_api, stuck, seconds=11)).wait(20)
    story.see(back_off(30, 400, key=API)).wait(400)
    assert ("merged", "victim_is_stuck") == _told(story)[-1]
    story.see(healthy(450, key=API)).wait(120)
    assert [("opened", "analysis_failed")] == _told(story)[2:]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [(AnalysisSeverity.OFF, []), (AnalysisSeverity.INFO, ["info"]), (AnalysisSeverity.CRITICAL, ["critical"])],
)
def test_severity_is_a_setting(severity: AnalysisSeverity, expected: list[str]) -> None:
    """Where an abort is everyday life it may be a note, or nothing."""
    settings = EngineSettings(analysis_severity=severity)
    story = Story(settings).see(begin(_run(), _aborted(), seconds=11)).wait(20)
    assert expected == [one.severity for one in story.told if one.kind == "analysis"]
