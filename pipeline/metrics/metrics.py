"""Every metric, and the calls of the daemon that move them. The one place that knows prometheus-client.

Counters and histograms may be moved from any thread; gauges are replaced by the pipeline's thread. Whatever comes from
outside and becomes a label is bounded.
"""

from __future__ import annotations

import enum
import heapq
import platform
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import get_args

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from parsers.events import AnyEvent, Event
from parsers.facts.seen import ObjectSeen
from parsers.failure_classes import FAILURE_CLASSES
from pipeline.cluster.tally import CallTally
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import Leader
from pipeline.metrics.api_calls import ApiCallCollector
from pipeline.metrics.deliveries import DeliveryMetrics
from pipeline.metrics.families import OTHER, BoundedLabel, SnapshotGauge
from pipeline.metrics.settings import MetricsSettings
from pipeline.sources.live import SourceStatus
from pipeline.status import DaemonRole, DaemonStatus
from pipeline.store.records import Gap, Quarantined, QuarantineReason

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
"""Of what `render` gives: the text format that every version of Prometheus reads."""

COMMIT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds: from SQLite on a fast disk to the time limit of a statement."""

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the series, and nobody reads them


class LineOutcome(enum.Enum):
    """What became of a line."""

    CANDIDATE = "candidate"  # it could matter and was understood as a record
    SKIPPED = "skipped"  # it cannot matter, seen on its bytes
    UNPARSED = "unparsed"  # it could matter, and is in no format that is known
    QUARANTINED = "quarantined"


class CommitOutcome(enum.Enum):
    """How a commit ended."""

    DONE = "done"
    FAILED = "failed"
    FENCED = "fenced"  # somebody else holds the claim
    UNKNOWN = "unknown"  # the connection broke while it was on its way


class Metrics:
    """The metrics of one process, on a registry of their own."""

    def __init__(self, settings: MetricsSettings, version: str, *, are_names_hidden: bool = False) -> None:
        """Start at zero.

        Args:
            settings: How many series there are at most.
            version: Of whystuck.
            are_names_hidden: Setting `redact.names`: no stuck key and no cluster is named.
        """
        self.registry = CollectorRegistry()
        self._are_names_shown = not are_names_hidden
        self._max_stuck_keys = 0 if are_names_hidden else settings.max_stuck_keys
        self._series_of_sources: dict[str, SourceStatus] = {}
        limit = settings.max_label_values
        self._max_clusters = 0 if are_names_hidden else limit
        self._cluster = BoundedLabel(self._max_clusters)
        self._stream, self._reason = BoundedLabel(limit), BoundedLabel(limit)
        self._pod, self._namespace = BoundedLabel(limit), BoundedLabel(limit)
        self._class = BoundedLabel(limit, FAILURE_CLASSES)
        self._define_counters()
        self._define_gauges()
        self.deliveries = DeliveryMetrics(self.registry, limit)
        ProcessCollector(registry=self.registry)
        self._gauge("build_info", "What runs here: always 1.", "version", "python").replace(
            {(version, platform.python_version()): 1}
        )

    def count_lines(self, outcome: LineOutcome, count: int) -> None:
        """Lines were read."""
        self._lines.labels(outcome.value).inc(count)

    def count_event(self, event: Event) -> None:
        """The engine was fed an event, of the log or of what was seen in the cluster."""
        self._events.get(type(event), self._other_events).inc()
        failure = getattr(event, "failure", None)
        if failure is not None:
            self._failures.labels(self._class(failure.failure_class)).inc()

    def count_commit(self, outcome: CommitOutcome, seconds: float, at: datetime) -> None:
        """A commit ended, after so many seconds."""
        self._commits.labels(outcome.value).inc()
        self._commit_seconds.observe(seconds)
        if outcome is CommitOutcome.DONE:
            self._last_commit.set(at.timestamp())

    def count_transitions(self, incidents: Iterable[Incident]) -> None:
        """Incidents changed."""
        for incident in incidents:
            self._transitions.labels(incident.kind, incident.transition.name).inc()

    def count_quarantined(self, quarantined: Quarantined) -> None:
        """A record, or a run of records, was set aside."""
        self._quarantined.labels(quarantined.reason.value).inc(quarantined.last - quarantined.first + 1)

    def count_gap(self, gap: Gap) -> None:
        """Records will never be read."""
        reason = self._reason(gap.reason)
        self._gaps.labels(reason).inc()
        if gap.last is not None:
            self._lost.labels(reason).inc(gap.last - gap.first + 1)

    def count_evicted(self, keys_count: int) -> None:
        """Keys were forgotten because there were too many."""
        self._evicted.inc(keys_count)

    def set_open_incidents(self, incidents: Iterable[Incident]) -> None:
        """All incidents that are open now, and with them the keys that are stuck."""
        opened = [incident for incident in incidents if incident.status == "open"]
        self._open_incidents.replace(Tally(map(self._labels_of, opened)))
        stuck = dict(self._stuck_keys_of(opened))
        self._stuck_keys.replace(Tally(key[:1] for key in stuck))
        counted = [(retries, key) for key, retries in stuck.items() if retries is not None]
        self._retries.replace({key: retries for retries, key in heapq.nlargest(self._max_stuck_keys, counted)})

    def set_engine_keys(self, counts: Mapping[str, int]) -> None:
        """Keys whose state is kept, by cluster."""
        totals: Tally[tuple[str, ...]] = Tally()
        for cluster, count in counts.items():
            totals[(self._cluster(cluster),)] += count
        self._engine_keys.replace(totals)

    def set_leaders(self, leaders: Iterable[Leader]) -> None:
        """Who leads, by the Leases of the controllers."""
        shown = leaders if self._are_names_shown else ()
        self._leaders.replace(
            {(self._cluster(one.cluster), self._namespace(one.namespace), self._pod(one.host)): 1 for one in shown}
        )

    def set_source(self, name: str, status: SourceStatus) -> None:
        """How a source is doing."""
        self._series_of_sources[name] = status
        records: dict[tuple[str, ...], float] = {}
        seconds: dict[tuple[str, ...], float] = {}
        for source, each in self._series_of_sources.items():
            for stream, lag in each.lags.items():
                labels = (source, self._stream(stream))
                if lag.records is not None:
                    records[labels] = max(lag.records, records.get(labels, 0))
                if lag.seconds is not None:
                    seconds[labels] = max(lag.seconds, seconds.get(labels, 0.0))
        self._lag_records.replace(records)
        self._lag_seconds.replace(seconds)
        self._connected.replace({(source,): each.is_connected for source, each in self._series_of_sources.items()})

    def set_status(self, status: DaemonStatus) -> None:
        """Role and checks, as the health end-points tell them."""
        self._role.replace({(role.value,): role is status.role for role in DaemonRole})
        self._checks.replace({(check.name,): check.is_ok for check in status.checks})

    def recorded(self, size_bytes: int, problem: str) -> None:
        """The file of the recording has this size; a problem has ended it."""
        self._recording_bytes.replace({(): size_bytes})
        self._recording_ok.replace({(): not problem})

    def show_calls(self, calls: CallTally) -> None:
        """Show what API servers are asked, as it is at each scrape. To be called once."""
        self.registry.register(ApiCallCollector(calls, BoundedLabel(self._max_clusters)))

    def render(self) -> bytes:
        """All series, in Prometheus' text format (CONTENT_TYPE)."""
        return prometheus_client.generate_latest(self.registry)

    def _define_counters(self) -> None:
        self._lines = self._counter("lines", "Lines read, by what became of them.", "outcome")
        events = self._counter("events", "Events fed to the engine.", "event")
        self._events = {event: events.labels(_event_name(event)) for event in (*get_args(AnyEvent), ObjectSeen)}
        self._other_events = events.labels(OTHER)
        self._failures = self._counter("failures", "Failures among the events, by class of the deepest cause.", "class")
        self._commits = self._counter("commits", "Commits, by how they ended.", "outcome")
        self._transitions = self._counter("incident_transitions", "Changes of incidents.", "kind", "transition")
        self._quarantined = self._counter("quarantined_records", "Records set aside, by reason.", "reason")
        self._gaps = self._counter("gaps", "Stretches of a stream that will never be read, by reason.", "reason")
        self._lost = self._counter("lost_records", "Records in these gaps, where their number is known.", "reason")
        self._evicted = self._counter("evicted_keys", "Keys forgotten because there were more than engine.max_keys.")
        for outcome in LineOutcome:
            self._lines.labels(outcome.value)
        for commit_outcome in CommitOutcome:
            self._commits.labels(commit_outcome.value)
        for reason in QuarantineReason:
            self._quarantined.labels(reason.value)

    def _define_gauges(self) -> None:
        self._commit_seconds = Histogram(
            "whystuck_commit_seconds", "How long commits take.", buckets=COMMIT_BUCKETS, registry=self.registry
        )
        self._last_commit = Gauge(
            "whystuck_last_commit_timestamp_seconds", "Time of the last commit that was done.", registry=self.registry
        )
        self._open_incidents = self._gauge("open_incidents", "Incidents open now.", "kind", "class", "severity")
        self._stuck_keys = self._gauge("stuck_keys", "Objects that are stuck now.", "cluster")
        self._retries = self._gauge(
            "stuck_key_retries", "Retry count printed last, of the worst keys.", "cluster", "kind", "namespace", "name"
        )
        self._engine_keys = self._gauge("engine_keys", "Keys whose state is kept.", "cluster")
        self._leaders = self._gauge(
            "controller_leader_info", "1 for the pod that holds a controller's Lease.", "cluster", "namespace", "pod"
        )
        self._lag_records = self._gauge("lag_records", "Records not read yet.", "source", "stream")
        self._lag_seconds = self._gauge("lag_seconds", "How far reading is behind.", "source", "stream")
        self._connected = self._gauge("source_connected", "Whether the source is connected.", "source")
        self._recording_bytes = self._gauge("recording_size_bytes", "Size of the file of the recording.")
        self._recording_ok = self._gauge("recording_ok", "Whether it is still written: 0 when it ended early.")
        self._role = self._gauge("role", "1 for the role of this process.", "role")
        self._checks = self._gauge("check_ok", "Whether the check of /readyz passes.", "check")

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"whystuck_{name}", documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> SnapshotGauge:
        return SnapshotGauge(f"whystuck_{name}", documentation, labels, self.registry)

    def _labels_of(self, incident: Incident) -> tuple[str, str, str]:
        return incident.kind, self._class(incident.cause.failure_class), incident.severity

    def _stuck_keys_of(self, incidents: Iterable[Incident]) -> Iterator[tuple[tuple[str, ...], int | None]]:
        """Cluster, kind, namespace and name of everything that is stuck, and the count that was printed last."""
        for incident in incidents:
            cluster = self._cluster(incident.cluster or "")
            for victim in incident.victims:
                if victim.recovered_at is None and victim.kind != "controller":
                    yield (cluster, victim.kind, victim.namespace or "", victim.name or ""), victim.last_retries


def _event_name(event: type) -> str:
    """SyncFailed is sync_failed."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in event.__name__).lstrip("_")
