"""AnalysisRuns of what is stuck: told as facts, weighed as suspects, bounded."""

from __future__ import annotations

import msgspec
import pytest

from parsers.events import Event
from parsers.facts.analysis_runs import AnalysisRunFacts, MetricFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import ObjectSeen
from parsers.records import Origin
from pipeline.engine.analysis_runs import MAX_RUNS
from pipeline.engine.clusters import ClusterState
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.inventory import Inventory
from pipeline.engine.labels import labels_of
from pipeline.engine.object_memory import ObjectMemory
from pipeline.engine.prior_changes import changes_in_objects, nearest_before
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLog, WatchedLogs
from tests.pipeline.engine.builders import API, at, back_off, by_time, failure, healthy, rules

RUNS = Origin(source="objects/analysisruns.argoproj.io")
ROLLOUT = ObjectRef("Rollout", API.namespace, API.name)
PROVIDER = 'Post "https://prometheus.monitoring.svc:9090/api/v1/query": dial tcp: lookup prometheus: no such host'
ENDS = "AnalysisRun shop/api-2-1 (Step) of Rollout shop/api ends as"
UNCLEAR = 'Metric "success-rate" assessed Inconclusive'
NAMELESS = "context deadline exceeded"


def _run(
    seconds: float,
    phase: str,
    *,
    name: str = "api-2-1",
    owner: ObjectRef = ROLLOUT,
    text: str = "",
    message: str = "",
    value: str = "",
) -> ObjectSeen:
    metrics = (MetricFacts("success-rate", phase, text, value),) if text or value else ()
    facts = AnalysisRunFacts(
        ref=ObjectRef("AnalysisRun", owner.namespace, name),
        owner=owner,
        purpose="Step",
        created_at=at(seconds),
        ended_at=at(seconds) if phase not in ("Running", "Pending") else None,
        phase=phase,
        message=message,
        metrics=metrics,
    )
    return ObjectSeen(at(seconds), RUNS, int(seconds * 10), facts, failure=failure(text) if text else None)


def _told(*evidence: Event) -> Incident:
    """The incident of API, stuck from 0 to 900 s, beside runs."""
    engine = Engine(EngineSettings(), rules())
    engine.watch(WatchedLog(RUNS, at(-1800), at(1800)))
    for event in by_time([*healthy(-20, -10, key=API), *back_off(0, 900, NAMELESS, key=API), *evidence]):
        engine.feed(event)
    engine.finish()
    (incident,) = engine.incidents()
    return incident


VERDICTS = {
    "inconclusive before the onset": (
        _run(-60, "Inconclusive", message=UNCLEAR, value="0.5"),
        f"{ENDS} Inconclusive: a Rollout stays paused until somebody decides: {UNCLEAR}; success-rate was 0.5",
    ),
    "failed while it is stuck": (
        _run(300, "Failed", value="[0.42]"),
        f"{ENDS} Failed: a Rollout is aborted by it: success-rate was [0.42]",
    ),
    "errored": (
        _run(-60, "Error", text=PROVIDER),
        f"{ENDS} Error: a Rollout is aborted by it: {PROVIDER}",
    ),
}


@pytest.mark.parametrize(("run", "what"), VERDICTS.values(), ids=VERDICTS)
def test_verdict_of_an_analysis_is_in_the_timeline(run: ObjectSeen, what: str) -> None:
    """As a fact; the cause stays what it is."""
    incident = _told(run)

    assert [what] == [entry.what for entry in incident.timeline if entry.category == "analysis"]
    assert not incident.cause.established


@pytest.mark.parametrize(
    "run",
    [
        _run(-60, "Running", value="0.5"),
        _run(-60, "Successful"),
        _run(-60, "Failed", owner=ObjectRef("Rollout", "shop", "other")),
        _run(-7200, "Failed"),
        _run(-60, "Failed", owner=ObjectRef("Experiment", "shop", "api")),
    ],
    ids=["runs", "successful", "of another Rollout", "long before", "of an Experiment of the same name"],
)
def test_what_tells_nothing_of_the_victim_is_not_in_the_timeline(run: ObjectSeen) -> None:
    """Runs of others, good ones, and old ones."""
    assert not [entry for entry in _told(run).timeline if entry.category == "analysis"]


def test_verdict_is_among_what_changed_before() -> None:
    """Of any incident about the Rollout, also of one that no log line tells of."""
    run = _run(-60, "Failed", value="[0.42]")
    rollout = RolloutFacts(ref=ROLLOUT)
    inventory = Inventory({ROLLOUT: [(at(0), rollout)], run.facts.ref: [(at(0), run.facts)]})
    changes = nearest_before(at(0), changes_in_objects([API], [], inventory))

    assert [(at(-60), "analysis")] == [(change.at, change.category) for change in changes]


def test_provider_s_failure_is_a_suspect_tied_by_the_owner() -> None:
    """It is weighed: the failing call is not shown to need it, so nobody is blamed."""
    incident = _told(_run(-60, "Error", text=PROVIDER))
    (suspect,) = [one for one in incident.cause.suspects if one.text == PROVIDER]

    assert suspect.culprit is not None
    assert ("Service", "prometheus", "monitoring") == (
        suspect.culprit.kind,
        suspect.culprit.name,
        suspect.culprit.namespace,
    )
    assert {"own_analysis", "near_onset"} == {point.reason for point in suspect.in_favour}
    assert {"over_before_onset", "analysis_only"} == {point.reason for point in suspect.against}
    assert "an AnalysisRun of rollout shop/api fails by it" in {point.text for point in suspect.in_favour}


def test_provider_s_failure_of_others_is_not_tied() -> None:
    """A run of another Rollout speaks for nothing here."""
    incident = _told(_run(-60, "Error", text=PROVIDER, owner=ObjectRef("Rollout", "shop", "other")))
    (suspect,) = [one for one in incident.cause.suspects if one.text == PROVIDER]

    assert "nothing_ties_it" in {point.reason for point in suspect.against}
    assert "own_analysis" not in {point.reason for point in suspect.in_favour}


def test_failures_of_a_provider_alone_are_no_incident() -> None:
    """An analysis that ends badly is the analysis at work."""
    engine = Engine(EngineSettings(), rules())
    for number in range(20):
        engine.feed(_run(30.0 * number, "Error", name=f"api-{number}", text=PROVIDER))
    engine.finish()

    assert [] == engine.incidents()


def _remembered(*events: ObjectSeen) -> list[str]:
    state = ClusterState(EngineSettings(), WatchedLogs())
    for event in events:
        state.feed(event)
    return sorted(ref.name for ref in state.objects.versions)


def test_newest_runs_of_each_owner_are_remembered() -> None:
    """In whatever order they come."""
    events = [_run(60.0 * number, "Failed", name=f"api-{number:02}") for number in range(3 * MAX_RUNS)]
    expected = [f"api-{number:02}" for number in range(2 * MAX_RUNS, 3 * MAX_RUNS)]

    assert expected == _remembered(*events)
    assert expected == _remembered(*reversed(events))


def test_run_that_ends_well_is_forgotten() -> None:
    """It explains nothing any more."""
    assert ["api-2-1"] == _remembered(_run(0, "Running"))
    assert [] == _remembered(_run(0, "Running"), _run(60, "Successful"))


def test_bound_holds_over_a_restart() -> None:
    """What is known again counts."""
    state = ClusterState(EngineSettings(), WatchedLogs())
    for number in range(MAX_RUNS):
        event = _run(60.0 * number, "Failed", name=f"api-{number:02}")
        state.objects.recall(ObjectMemory(event.facts.ref, [(event.at, event.facts)]))
    state.feed(_run(3600, "Failed", name="api-99"))

    assert MAX_RUNS == len(state.objects.versions)
    assert "api-00" not in {ref.name for ref in state.objects.versions}


def test_labels_of_a_stuck_analysis_are_those_of_its_rollout() -> None:
    """Whoever owns the Rollout is told."""
    run = _run(0, "Running")
    rollout = RolloutFacts(ref=ROLLOUT, annotations={"whystuck/owner": "team-a"})
    inventory = Inventory({ROLLOUT: [(at(0), rollout)], run.facts.ref: [(at(0), run.facts)]})
    victim = _told().victims[0]
    stuck = msgspec.structs.replace(victim, kind="analysisrun", name="api-2-1")
    assert {"owner": "team-a"} == labels_of([stuck], inventory)
