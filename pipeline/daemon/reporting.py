"""What the daemon tells of itself: status for the probes, metrics, its own log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from parsers.events import AnyEvent, Event
from parsers.facts.seen import ObjectEvent
from pipeline.engine.engine import Engine
from pipeline.engine.leaders import Leader
from pipeline.errors import ClaimLostError, CommitUnknownError, StoreError
from pipeline.metrics.metrics import CommitOutcome, LineOutcome, Metrics
from pipeline.own_log.loggers import get_logger
from pipeline.readers import ReadCounts
from pipeline.sources.live import Fetched, SourceStatus
from pipeline.status import Check, DaemonRole, DaemonStatus, StatusBoard
from pipeline.store.records import Commit

_log = get_logger("daemon")


class Reporter:
    """Used by the pipeline's thread."""

    def __init__(
        self,
        board: StatusBoard,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        are_names_hidden: bool = False,
    ) -> None:
        """`are_names_hidden`: no line says what an incident is about, only which one it is."""
        self._board = board
        self._metrics = metrics
        self._now = now
        self._are_names_hidden = are_names_hidden
        self._role = DaemonRole.STARTING
        self._since = now()
        self._store_problem = ""
        self._backlog_problem = ""
        self._statuses: Mapping[str, SourceStatus] = {}
        self._unread: dict[str, frozenset[str]] = {}  # sentences about missing rights, by source
        self._evicted_count = 0
        self._leaders: frozenset[Leader] = frozenset()

    def beat(self) -> None:
        """The loop goes on."""
        self._board.beat()

    def event(self, event: Event) -> None:
        """An event went into the engine."""
        if not isinstance(event, ObjectEvent):
            self._metrics.count_event(cast("AnyEvent", event))

    def refused(self, event: Event) -> None:
        """An event of a pod that is no controller was refused."""
        _log.warning("event.refused", namespace=event.origin.namespace, pod=event.origin.pod)

    def fetched(self, source: str, fetched: Fetched) -> None:
        """Something was read."""
        for record in fetched.quarantined:
            _log.warning(
                "record.quarantined",
                source=source,
                stream=record.stream,
                offset=record.first,
                reason=record.reason.value,
                detail=record.detail,
            )
        for gap in fetched.gaps:
            _log.error("source.gap", source=gap.source, stream=gap.stream, reason=gap.reason, detail=gap.detail)

    def lines(self, counts: ReadCounts) -> None:
        """Lines were read, and what they gave was committed."""
        self._metrics.count_lines(LineOutcome.SKIPPED, counts.skipped)
        self._metrics.count_lines(LineOutcome.CANDIDATE, counts.candidates)
        self._metrics.count_lines(LineOutcome.UNPARSED, counts.unparsed)

    def role(self, role: DaemonRole) -> None:
        """What this process does from now on."""
        self.beat()
        if role is not self._role:
            self._role, self._since = role, self._now()
            _log.info("role.changed", role=role.value)
        self._tell()

    def claimed(self, epoch: int) -> None:
        """This process is the writer."""
        _log.info("claim.taken", epoch=epoch)

    def store_problem(self, problem: str) -> None:
        """The store is away; empty: it is there."""
        self.beat()
        self._store_problem = problem
        self._tell()

    def commit_failed(self, error: StoreError, seconds: float) -> None:
        """A commit did not come to its end, and took so many seconds."""
        match error:
            case CommitUnknownError():
                outcome = CommitOutcome.UNKNOWN
            case ClaimLostError():
                outcome = CommitOutcome.FENCED
            case _:
                outcome = CommitOutcome.FAILED
        self._metrics.count_commit(outcome, seconds, self._now())

    def committed(self, commit: Commit, seconds: float) -> None:
        """A commit was made. What is counted here is counted once, however often it was read."""
        self._metrics.count_commit(CommitOutcome.DONE, seconds, commit.at)
        for record in commit.quarantined:
            self._metrics.count_quarantined(record)
            self._metrics.count_lines(LineOutcome.QUARANTINED, record.last - record.first + 1)
        for gap in commit.gaps:
            self._metrics.count_gap(gap)
        self._metrics.count_transitions(commit.incidents)
        for incident in commit.incidents:
            title = {} if self._are_names_hidden else {"title": incident.title}
            _log.info(
                "incident.changed",
                id=incident.id,
                transition=incident.transition.name,
                reason=incident.transition.reason,
                severity=incident.severity,
                **title,
                cause=incident.cause.failure_class,
                victims=len(incident.victims),
            )

    def publish(self, statuses: Mapping[str, SourceStatus], engine: Engine, *, is_backlog_full: bool) -> None:
        """How everything is now."""
        self._statuses = statuses
        self._backlog_problem = "the engine is behind the sources" if is_backlog_full else ""
        for name, status in statuses.items():
            self._metrics.set_source(name, status)
            self._tell_rights(name, status.unread)
            if status.problem:
                _log.warning("source.problem", source=name, problem=status.problem)
        self._metrics.set_open_incidents(one for one in engine.told() if one.status == "open")
        self._metrics.set_engine_keys(engine.key_counts())
        self._tell_leaders(engine.leaders())
        evicted_count = engine.evicted_count()
        self._metrics.count_evicted(max(0, evicted_count - self._evicted_count))
        self._evicted_count = evicted_count
        self._tell()

    def _tell_leaders(self, leaders: Sequence[Leader]) -> None:
        self._metrics.set_leaders(leaders)
        for leader in leaders:
            if leader not in self._leaders:
                _log.info("controller.leads", cluster=leader.cluster, namespace=leader.namespace, pod=leader.host)
        self._leaders = frozenset(leaders)

    def _tell_rights(self, source: str, unread: Sequence[str]) -> None:
        """Which rights are missing: a line for each, when that changes."""
        before, now = self._unread.get(source, frozenset()), frozenset(unread)
        for sentence in sorted(now - before):
            _log.warning("source.right_missing", source=source, problem=sentence)
        for sentence in sorted(before - now):
            _log.info("source.right_given", source=source, was=sentence)
        self._unread[source] = now

    def _tell(self) -> None:
        checks = [Check("store", not self._store_problem, self._store_problem)]
        checks.append(Check("claim", self._role is not DaemonRole.STARTING, self._role.value))
        if self._role is DaemonRole.ACTIVE:
            checks += [
                Check(f"source-{name}", status.is_connected, status.problem)
                for name, status in sorted(self._statuses.items())
            ]
            checks.append(Check("backlog", not self._backlog_problem, self._backlog_problem))
        warnings = tuple(f"{name}: {one}" for name, unread in sorted(self._unread.items()) for one in sorted(unread))
        warnings = warnings if self._role is DaemonRole.ACTIVE else ()
        status = DaemonStatus(self._role, self._since, tuple(checks), warnings)
        self._board.publish(status)
        self._metrics.set_status(status)
