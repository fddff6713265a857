"""The metrics: what moves them, how many series there are, and that they are named as Prometheus wants."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from parsers.events import ErrorNotUnderstood, Event, Failure, ObjectKey, RetryCounted, SyncFailed
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen
from parsers.facts.services import NamespaceFacts
from parsers.records import Origin
from pipeline.cluster.calls import Call
from pipeline.cluster.tally import CallTally
from pipeline.delivery.sending.outbox import Backlog, DeliveryState
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from pipeline.engine.leaders import Leader
from pipeline.metrics.families import OTHER
from pipeline.metrics.metrics import CommitOutcome, LineOutcome, Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.sources.live import SourceStatus, StreamLag
from pipeline.status import Check, DaemonRole, DaemonStatus
from pipeline.store.records import Gap, Quarantined, QuarantineReason
from tests.pipeline.metrics.builders import AT, incident, victim

FAILED = Outcome(Verdict.RETRY, OutcomeReason.SERVER_ERROR, 500, took_seconds=0.5)
KEY = ObjectKey("rollout", "shop", "web")


def event_with(failure_class: str) -> SyncFailed:
    """A failed attempt."""
    return SyncFailed(AT, Origin("x"), 1, KEY, Failure(failure_class, "rule", "text"))


def families(metrics: Metrics) -> dict[str, Metric]:
    """What is printed, read as Prometheus reads it."""
    return {family.name: family for family in text_string_to_metric_families(metrics.render().decode())}


def series(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Values by labels in the order of their names, those that are not 0."""
    found = (sample for family in families(metrics).values() for sample in family.samples if sample.name == name)
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in found if sample.value
    }


@pytest.fixture
def metrics() -> Metrics:
    """At zero."""
    return Metrics(MetricsSettings(max_stuck_keys=2, max_label_values=3), "1.2.3")


def _calls(*codes: int | None, cluster: str = "eu-1") -> CallTally:
    """Lists of pods that ended so, each after 20 ms, and a watch that goes on."""
    tally = CallTally()
    for code in codes:
        tally.count(cluster, Call("list", "pods"), code, 0.02)
    tally.opened(cluster, Call("watch", "rollouts", group="argoproj.io"))
    return tally


STUCK = incident(victim("web", 371), victim("api", 20), victim("db", 25), victim("well", 9, recovered_at=AT))
MOVES: dict[str, tuple[Callable[[Metrics], None], str, dict[tuple[str, ...], float]]] = {
    "a recording": (lambda metrics: metrics.recorded(300, ""), "whystuck_recording_size_bytes", {(): 300}),
    "a recording that goes on": (lambda metrics: metrics.recorded(300, ""), "whystuck_recording_ok", {(): 1}),
    "a recording that has ended": (lambda metrics: metrics.recorded(300, "full"), "whystuck_recording_ok", {}),
    "lines": (
        lambda metrics: metrics.count_lines(LineOutcome.SKIPPED, 40),
        "whystuck_lines_total",
        {("skipped",): 40},
    ),
    "events": (
        lambda metrics: metrics.count_event(RetryCounted(AT, Origin("x"), 1, KEY, 3)),
        "whystuck_events_total",
        {("retry_counted",): 1},
    ),
    "an error that no rule knows": (
        lambda metrics: metrics.count_event(ErrorNotUnderstood(AT, Origin("x"), 1, "x")),
        "whystuck_events_total",
        {("error_not_understood",): 1},
    ),
    "an object of the cluster": (
        lambda metrics: metrics.count_event(
            ObjectSeen(AT, Origin("x"), 1, NamespaceFacts(ref=ObjectRef("Namespace", "", "shop")))
        ),
        "whystuck_events_total",
        {("object_seen",): 1},
    ),
    "an event that the metrics do not know": (
        lambda metrics: metrics.count_event(Event(AT, Origin("x"), 1)),
        "whystuck_events_total",
        {(OTHER,): 1},
    ),
    "failures": (
        lambda metrics: metrics.count_event(event_with("tls.expired")),
        "whystuck_failures_total",
        {("tls.expired",): 1},
    ),
    "commits": (
        lambda metrics: metrics.count_commit(CommitOutcome.FENCED, 0.3, AT),
        "whystuck_commits_total",
        {("fenced",): 1},
    ),
    "time of commits": (
        lambda metrics: metrics.count_commit(CommitOutcome.FAILED, 0.25, AT),
        "whystuck_commit_seconds_sum",
        {(): 0.25},
    ),
    "last commit": (
        lambda metrics: metrics.count_commit(CommitOutcome.DONE, 0.1, AT),
        "whystuck_last_commit_timestamp_seconds",
        {(): AT.timestamp()},
    ),
    "a failed commit is not the last one": (
        lambda metrics: metrics.count_commit(CommitOutcome.FAILED, 0.1, AT),
        "whystuck_last_commit_timestamp_seconds",
        {},
    ),
    "attempts to deliver": (
        lambda metrics: metrics.deliveries.count_attempt("oncall", FAILED, DeliveryState.PENDING),
        "whystuck_delivery_attempts_total",
        {("server_error", "oncall"): 1},
    ),
    "time of attempts": (
        lambda metrics: metrics.deliveries.count_attempt("oncall", FAILED, DeliveryState.PENDING),
        "whystuck_delivery_attempt_seconds_sum",
        {("oncall",): 0.5},
    ),
    "messages given up": (
        lambda metrics: metrics.deliveries.count_attempt("oncall", FAILED, DeliveryState.DEAD),
        "whystuck_deliveries_total",
        {("oncall", "dead"): 1},
    ),
    "messages that wait": (
        lambda metrics: metrics.deliveries.set_backlog("oncall", Backlog(3, AT, 2)),
        "whystuck_pending_deliveries",
        {("oncall",): 3},
    ),
    "the oldest of them": (
        lambda metrics: metrics.deliveries.set_backlog("oncall", Backlog(3, AT, 2)),
        "whystuck_oldest_pending_delivery_timestamp_seconds",
        {("oncall",): AT.timestamp()},
    ),
    "dead letters": (
        lambda metrics: metrics.deliveries.set_backlog("oncall", Backlog(3, AT, 2)),
        "whystuck_dead_letters",
        {("oncall",): 2},
    ),
    "a receiver that is gone": (
        lambda metrics: metrics.deliveries.set_receiver("oncall", is_disabled=True, is_failing=False),
        "whystuck_receiver_disabled",
        {("oncall",): 1},
    ),
    "a receiver that fails": (
        lambda metrics: metrics.deliveries.set_receiver("oncall", is_disabled=False, is_failing=True),
        "whystuck_receiver_failing",
        {("oncall",): 1},
    ),
    "transitions": (
        lambda metrics: metrics.count_transitions([STUCK, STUCK]),
        "whystuck_incident_transitions_total",
        {("stuck", "opened"): 2},
    ),
    "a run of records in quarantine": (
        lambda metrics: metrics.count_quarantined(Quarantined("raw", "t/0", 5, 7, QuarantineReason.UNDECODABLE, "")),
        "whystuck_quarantined_records_total",
        {("undecodable",): 3},
    ),
    "gaps": (
        lambda metrics: metrics.count_gap(Gap("raw", "t/0", 5, None, "topic_recreated", "")),
        "whystuck_gaps_total",
        {("topic_recreated",): 1},
    ),
    "records of a gap": (
        lambda metrics: metrics.count_gap(Gap("raw", "t/0", 5, 9, "retention", "")),
        "whystuck_lost_records_total",
        {("retention",): 5},
    ),
    "keys that were forgotten": (lambda metrics: metrics.count_evicted(3), "whystuck_evicted_keys_total", {(): 3}),
    "open incidents": (
        lambda metrics: metrics.set_open_incidents([STUCK, STUCK, incident(status="resolved")]),
        "whystuck_open_incidents",
        {("tls.expired", "stuck", "warning"): 2},
    ),
    "stuck keys": (
        lambda metrics: metrics.set_open_incidents([STUCK]),
        "whystuck_stuck_keys",
        {("eu-1",): 3},
    ),
    "the controller is no stuck key": (
        lambda metrics: metrics.set_open_incidents([incident(victim("argo-rollouts", kind="controller"))]),
        "whystuck_stuck_keys",
        {},
    ),
    "retries of the worst keys": (
        lambda metrics: metrics.set_open_incidents([STUCK]),
        "whystuck_stuck_key_retries",
        {("eu-1", "rollout", "web", "shop"): 371, ("eu-1", "rollout", "db", "shop"): 25},
    ),
    "a count that was not printed is not invented": (
        lambda metrics: metrics.set_open_incidents([incident(victim("web", None))]),
        "whystuck_stuck_key_retries",
        {},
    ),
    "keys of the engine": (
        lambda metrics: metrics.set_engine_keys({"eu-1": 7}),
        "whystuck_engine_keys",
        {("eu-1",): 7},
    ),
    "who leads": (
        lambda metrics: metrics.set_leaders([Leader("eu-1", "argo-rollouts", "argo-rollouts-7c9d5f6b8-h4x2m", None)]),
        "whystuck_controller_leader_info",
        {("eu-1", "argo-rollouts", "argo-rollouts-7c9d5f6b8-h4x2m"): 1},
    ),
    "lag in records": (
        lambda metrics: metrics.set_source("raw", SourceStatus(True, False, {"t/0": StreamLag(9, None)})),
        "whystuck_lag_records",
        {("raw", "t/0"): 9},
    ),
    "lag in seconds": (
        lambda metrics: metrics.set_source("raw", SourceStatus(True, False, {"t/0": StreamLag(None, 2.5)})),
        "whystuck_lag_seconds",
        {("raw", "t/0"): 2.5},
    ),
    "connected": (
        lambda metrics: metrics.set_source("raw", SourceStatus(True, True, {})),
        "whystuck_source_connected",
        {("raw",): 1},
    ),
    "calls to an API server": (
        lambda metrics: metrics.show_calls(_calls(200, 204, 429, None)),
        "whystuck_api_calls_total",
        {
            ("eu-1", "2xx", "pods", "list"): 2,
            ("eu-1", "4xx", "pods", "list"): 1,
            ("eu-1", "none", "pods", "list"): 1,
        },
    ),
    "watches of an API server": (
        lambda metrics: metrics.show_calls(_calls()),
        "whystuck_api_streams",
        {("eu-1", "rollouts", "watch"): 1},
    ),
    "time of calls": (
        lambda metrics: metrics.show_calls(_calls(200, 200)),
        "whystuck_api_call_seconds_bucket",
        {
            ("eu-1", bound): 2
            for bound in ("0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "+Inf")
        },
    ),
    "role": (
        lambda metrics: metrics.set_status(DaemonStatus(DaemonRole.STANDBY, AT)),
        "whystuck_role",
        {("standby",): 1},
    ),
    "checks": (
        lambda metrics: metrics.set_status(
            DaemonStatus(DaemonRole.ACTIVE, AT, (Check("store", True), Check("backlog", False)))
        ),
        "whystuck_check_ok",
        {("store",): 1},
    ),
}


@pytest.mark.parametrize(("move", "name", "expected"), MOVES.values(), ids=MOVES)
def test_moves(
    metrics: Metrics, move: Callable[[Metrics], None], name: str, expected: dict[tuple[str, ...], float]
) -> None:
    """One call, one family."""
    move(metrics)
    assert expected == series(metrics, name)


def test_build_info(metrics: Metrics) -> None:
    """Version of whystuck and of Python."""
    ((python, version),) = series(metrics, "whystuck_build_info")
    assert "1.2.3" == version
    assert re.fullmatch(r"3\.\d+\.\d+\S*", python)


def test_series_that_is_gone_is_not_shown(metrics: Metrics) -> None:
    """An incident that was resolved leaves nothing behind, not even a 0."""
    metrics.set_open_incidents([STUCK])
    metrics.set_open_incidents([])
    for name in ("open_incidents", "stuck_keys", "stuck_key_retries"):
        assert [] == families(metrics)[f"whystuck_{name}"].samples


def test_lags_of_sources_stand_beside_each_other(metrics: Metrics) -> None:
    """A source's new state replaces its own old one only."""
    metrics.set_source("a", SourceStatus(True, False, {"t/0": StreamLag(1, None), "t/1": StreamLag(2, None)}))
    metrics.set_source("b", SourceStatus(True, False, {"t/0": StreamLag(3, None)}))
    metrics.set_source("a", SourceStatus(True, False, {"t/0": StreamLag(4, None)}))
    assert {("a", "t/0"): 4, ("b", "t/0"): 3} == series(metrics, "whystuck_lag_records")


def test_labels_from_outside_are_bounded(metrics: Metrics) -> None:
    """What is beyond the limit is counted as other; the built-in classes do not count against it."""
    metrics.count_event(event_with("tls.expired"))
    for number in range(5):
        metrics.count_event(event_with(f"custom.{number}"))
    found = series(metrics, "whystuck_failures_total")
    assert {("tls.expired",): 1, ("custom.2",): 1, (OTHER,): 2}.items() <= found.items()
    assert 5 == len(found)


def test_too_many_streams_show_the_worst_of_them(metrics: Metrics) -> None:
    """The lag of `other` is that of the slowest."""
    lags = {f"t/{number}": StreamLag(number, None) for number in range(6)}
    metrics.set_source("raw", SourceStatus(True, False, lags))
    assert 5 == series(metrics, "whystuck_lag_records")["raw", OTHER]


def test_hidden_names_are_no_labels() -> None:
    """Setting `redact.names`."""
    metrics = Metrics(MetricsSettings(), "1", are_names_hidden=True)
    metrics.set_open_incidents([STUCK])
    assert {} == series(metrics, "whystuck_stuck_key_retries")
    assert {(OTHER,): 3} == series(metrics, "whystuck_stuck_keys")


BASE_UNITS = re.compile(
    r"_(?:seconds|bytes|total|info|records|keys|retries|incidents|connected|disabled|failing|role|ok|deliveries|letters|count|sum|bucket)$"
)


def test_names_are_those_of_the_field(metrics: Metrics) -> None:
    """Prefix, base units, `_total` at counters and only there; each with words of its own."""
    own = [family for family in families(metrics).values() if not family.name.startswith("process_")]
    for family in own:
        assert re.fullmatch(r"whystuck_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert (family.type == "counter") is any(sample.name.endswith("_total") for sample in family.samples) or (
            family.type == "counter" and not family.samples
        )
        assert BASE_UNITS.search(f"{family.name}_total" if family.type == "counter" else family.name), family.name
    assert len(own) == len({family.documentation for family in own})


def test_known_series_begin_at_zero(metrics: Metrics) -> None:
    """So that an alert sees the first one."""
    samples = families(metrics)["whystuck_quarantined_records"].samples
    assert {reason.value for reason in QuarantineReason} == {sample.labels["reason"] for sample in samples}
    assert {0.0} == {sample.value for sample in samples}


def test_two_processes_in_one_do_not_meet() -> None:
    """Nothing is registered globally."""
    first, second = (Metrics(MetricsSettings(), "1") for _ in range(2))
    first.count_evicted(1)
    assert {} == series(second, "whystuck_evicted_keys_total")


def test_receivers_that_are_gone_have_no_series(metrics: Metrics) -> None:
    """The others keep theirs."""
    for name in ("a", "b"):
        metrics.deliveries.set_receiver(name, is_disabled=True, is_failing=True)
        metrics.deliveries.set_backlog(name, Backlog(1, AT, 1))
    metrics.deliveries.forget_receiver("a")

    for name in ("receiver_disabled", "receiver_failing", "pending_deliveries", "dead_letters"):
        assert {("b",): 1} == series(metrics, f"whystuck_{name}")


def test_clusters_of_calls_are_bounded_and_hidden() -> None:
    """They come from kubeconfigs; what is beyond the limit is added up."""
    tally = CallTally()
    for number in range(5):
        tally.count(f"c{number}", Call("get", "pods/log"), 200, 0.2)
    hidden = Metrics(MetricsSettings(), "1", are_names_hidden=True)
    hidden.show_calls(tally)

    assert {(OTHER, "2xx", "pods/log", "get"): 5} == series(hidden, "whystuck_api_calls_total")
    assert {(OTHER,): 5} == series(hidden, "whystuck_api_call_seconds_count")
    assert 1.0 == pytest.approx(series(hidden, "whystuck_api_call_seconds_sum")[(OTHER,)])


def test_stream_that_ended_is_open_no_more() -> None:
    """Whatever ended it."""
    tally, call = _calls(), Call("watch", "rollouts", group="argoproj.io")
    tally.closed("eu-1", call)

    assert {("eu-1", "watch", "rollouts"): 0} == tally.open_streams()
