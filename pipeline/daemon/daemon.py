"""The loop: waits for the claim, loads, reads, feeds, commits; and what happens when something of it is away.

One thread, the only writer of engine and store. Whatever goes wrong between two commits ends in the same way: the state
in memory is dropped, what was committed last is loaded, and the sources go back to the positions in it.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pipeline.daemon.careful import CarefulTaking, is_of_content
from pipeline.daemon.claiming import ClaimKeeper
from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.listening import Ear
from pipeline.daemon.notifying import NoDispatch, Notifier
from pipeline.daemon.pace import (
    ADVANCE_EVERY_SECONDS,
    BUSY_SECONDS,
    CATCH_UP_SECONDS,
    EVALUATE_SECONDS_PER_KEY,
    LISTEN_EVERY_SECONDS,
    NOTES_EVERY_SECONDS,
    PUBLISH_EVERY_SECONDS,
    TICK_SECONDS,
    Pace,
)
from pipeline.daemon.pointing import point_to_failing
from pipeline.daemon.pump import Delivery, Pump
from pipeline.daemon.reporting import Reporter
from pipeline.daemon.told import Told
from pipeline.daemon.upkeep import Upkeep
from pipeline.delivery.planner import Planner
from pipeline.delivery.settings import DeliverySettings
from pipeline.errors import (
    ClaimLostError,
    CommitUnknownError,
    SourceError,
    StoreError,
    StoreUnavailableError,
    WhystuckError,
)
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import LiveSource, SourceStatus
from pipeline.status import DaemonRole
from pipeline.store.records import Claim, Commit
from pipeline.store.store import SqlStore
from pipeline.watch_settings import WatchSettings

_log = get_logger("daemon")

RETRY_SECONDS = 1.0
"""Between attempts to reach a store or source that is away."""

_AWAY = (StoreUnavailableError, CommitUnknownError)


class Steps:
    """The points between which a process may die; tests let it die there."""

    def reached(self, step: str) -> None:
        """`read`, `fed`, `prepared`, `committed` or `acknowledged`."""


class Daemon:
    """Everything of the daemon but its configuration, signals and HTTP."""

    def __init__(
        self,
        settings: WatchSettings,
        store: SqlStore,
        sources: Mapping[str, LiveSource],
        ingestion: Ingestion,
        reporter: Reporter,
        *,
        owner: str,
        lease_seconds: float,
        notifier: Notifier | None = None,
        ends_when_caught_up: bool = False,
        steps: Steps | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._store = store
        self._ingestion = ingestion
        self._reporter = reporter
        self._notifier = notifier or Notifier(Planner(DeliverySettings()), NoDispatch(), store)
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._ends_when_caught_up = ends_when_caught_up
        self._steps = steps or Steps()
        self._monotonic = monotonic
        self._now = now
        self._deliveries: queue.Queue[Delivery] = queue.Queue(settings.queued_reads)
        self._sources = tuple(sources.values())
        self._pumps = {name: Pump(source, self._deliveries) for name, source in sources.items()}
        self._stop_at: float | None = None
        self._stop_asked = threading.Event()
        self._reload: Callable[[Ingestion], None] | None = None
        self._epoch = 0
        self._told = Told(self._pumps)
        self._taking = CarefulTaking(
            ingestion, self._commit, self._recall, now=now, max_in_a_row=settings.max_quarantined_in_a_row
        )
        self._pace = Pace(monotonic)
        self._upkeep = Upkeep(settings, store, ingestion, self._told, self._pace, now=now)
        self._ear = Ear(settings, self._pumps, ingestion, now=now, monotonic=monotonic)

    def stop(self) -> None:
        """End soon: what was read is committed first, within the bound. Safe in a signal handler."""
        self._stop_asked.set()

    def reload(self, change: Callable[[Ingestion], None]) -> None:
        """Let the loop call this between two commits; state is loaded again afterwards. Safe in a signal handler."""
        self._reload = change

    def run(self) -> None:
        """Work until `stop`.

        Raises:
            WhystuckError: It cannot begin, or cannot go on: the message says why.
        """
        for pump in self._pumps.values():
            pump.start()
        try:
            while not self._stop_asked.is_set():
                claim = self._claim()
                if claim is not None and self._lead(claim):
                    return
        finally:
            self._reporter.role(DaemonRole.DRAINING)
            for pump in self._pumps.values():
                pump.stop(self._settings.drain_seconds)

    def _claim(self) -> Claim | None:
        """The claim; None: not yet."""
        try:
            claim = self._store.claim(self._owner, self._lease_seconds)
        except _AWAY as error:
            self._reporter.store_problem(str(error))
            claim = None
        else:
            self._reporter.store_problem("")
        if claim is None:
            self._reporter.role(DaemonRole.STANDBY)
            self._publish()
            self._stop_asked.wait(min(RETRY_SECONDS, self._lease_seconds / 5))
        return claim

    def _lead(self, claim: Claim) -> bool:
        """Be the writer; says whether the work is done."""
        self._epoch = claim.epoch
        self._reporter.claimed(claim.epoch)
        keeper = ClaimKeeper(self._store, claim.epoch, self._lease_seconds)
        keeper.start()
        try:
            self._load()
            self._notifier.dispatch.start(claim.epoch)
            self._reporter.role(DaemonRole.ACTIVE)
            while not self._is_done():
                keeper.check()
                self._step()
            self._drain()
            self._publish()  # what a short run has found out, too: rights that are missing
        except ClaimLostError as error:
            _log.warning("claim.lost", reason=str(error))
            self._pause()
            return False
        except _AWAY as error:
            _log.warning("store.away", problem=str(error))
            self._reporter.store_problem(str(error))
            self._pause()
            self._publish()
            self._stop_asked.wait(RETRY_SECONDS)
            return self._stop_asked.is_set()
        finally:
            self._notifier.dispatch.stop()
            keeper.stop()
        self._release_claim()
        if self._ends_when_caught_up and not self._stop_asked.is_set():
            self._check_read()
        return True

    def _check_read(self) -> None:
        """Nothing more comes: what could not be read must not be taken for nothing found."""
        problems = [f"{name}: {one.problem}" for name, one in self._statuses().items() if one.problem]
        if problems:
            raise SourceError("; ".join(problems))

    def _release_claim(self) -> None:
        try:
            self._store.release(self._epoch)
        except _AWAY as error:
            _log.warning("claim.not_released", problem=str(error))

    def _is_done(self) -> bool:
        if self._stop_asked.is_set():
            return True
        return self._ends_when_caught_up and self._is_caught_up()

    def _is_caught_up(self) -> bool:
        return all(pump.is_drained() for pump in self._pumps.values()) and self._deliveries.empty()

    def _drain(self) -> None:
        """Commit what was read and what it means; a store that does not answer ends with the bound, nothing is lost."""
        if self._ends_when_caught_up and not self._stop_asked.is_set():
            self._ingestion.finish(self._now())
        elif not self._ends_when_caught_up:
            self._ingestion.evaluate()
        self._commit()

    def _recall(self) -> dict[str, dict[str, bytes]]:
        """Drop the state in memory for the one that was committed last; returns the positions."""
        with self._store.load() as snapshot:
            others, own = self._notifier.divert(snapshot)
            positions = self._ingestion.recall(others)
        self._notifier.recall(own, self._now())
        return positions

    def _load(self) -> None:
        positions = self._recall()
        self._reporter.store_problem("")
        self._taking.loaded()
        self._pace.done("evaluate")
        self._ear.deafen()
        for name, pump in self._pumps.items():
            pump.restart(positions[name])

    def _pause(self) -> None:
        for pump in self._pumps.values():
            pump.pause()

    def _step(self) -> None:
        self._reporter.beat()
        try:
            delivery = self._deliveries.get(timeout=TICK_SECONDS)
        except queue.Empty:
            delivery = None
        try:
            if delivery is not None and delivery.generation == self._pumps[delivery.source].generation:
                self._receive(delivery)
            self._tick()
        except Exception as error:  # of our own code: what was read decides whether it comes again
            if not is_of_content(error):
                raise
            self._taking.failed(error)
            self._load()

    def _receive(self, delivery: Delivery) -> None:
        if delivery.error is not None or delivery.fetched is None:
            self._source_failed(delivery)
            return
        fetched = delivery.fetched
        self._steps.reached("read")
        self._told.note(delivery.source, fetched)
        self._reporter.fetched(delivery.source, fetched)
        self._taking.take(delivery.source, fetched)
        self._steps.reached("fed")

    def _source_failed(self, delivery: Delivery) -> None:
        error = delivery.error
        if isinstance(error, WhystuckError) and not (
            self._pumps[delivery.source].has_begun and isinstance(error, SourceError)
        ):
            raise error
        if not isinstance(error, SourceError):
            raise SourceError(f"{delivery.source}: failed unexpectedly: {type(error).__name__}: {error}") from error
        _log.warning("source.away", source=delivery.source, problem=str(error))
        self._stop_asked.wait(RETRY_SECONDS)
        self._commit()
        self._load()

    def _tick(self) -> None:
        if self._pace.is_due("release", self._settings.idle_seconds / 4):
            self._ingestion.release_idle(self._now(), self._told.streams_behind())
        if self._pace.is_due("evaluate", self._pause_between_evaluations()):
            self._ingestion.evaluate()
        if self._pace.is_due("advance", ADVANCE_EVERY_SECONDS):
            self._advance()
        if not self._ends_when_caught_up and self._pace.is_due("listen", LISTEN_EVERY_SECONDS):
            self._ear.listen()
        self._upkeep.tidy(self._epoch)
        if self._pace.is_due("notes", NOTES_EVERY_SECONDS):
            self._notifier.look(self._now())
        is_full = self._ingestion.lines_taken >= self._settings.batch_lines
        if is_full or self._pace.is_due("commit", self._settings.commit_seconds):
            self._commit()
        if self._pace.is_due("publish", PUBLISH_EVERY_SECONDS):
            self._publish()
        if self._reload is not None:
            self._commit()
            change, self._reload = self._reload, None
            change(self._ingestion)
            self._load()

    def _pause_between_evaluations(self) -> float:
        """Seconds. In a catch-up the end of the story is what matters, and one source may be far behind another."""
        if self._ends_when_caught_up:
            return math.inf  # `_drain` does, at the end: as in a replay, what was read first must not decide
        if self._told.is_catching_up():
            return CATCH_UP_SECONDS
        keys = sum(self._ingestion.engine.key_counts().values())
        least = self._settings.commit_seconds if self._deliveries.empty() else BUSY_SECONDS
        return max(least, EVALUATE_SECONDS_PER_KEY * keys)

    def _advance(self) -> None:
        """Where nothing is left to read, time goes on without events."""
        until = self._told.until(self._now())
        if self._ends_when_caught_up or until is None:
            return
        if self._is_caught_up():
            self._ingestion.advance(until)
        else:
            self._pace.again("advance")  # there may be a moment without anything left soon

    def _commit(self) -> None:
        now = self._now()
        if not self._ingestion.is_changed and not self._notifier.planner.is_due(now):
            return
        commit = self._ingestion.prepare_commit(now)
        commit = self._notifier.plan(commit, self._ingestion.engine.told(), now)
        self._steps.reached("prepared")
        began_at = self._monotonic()
        try:
            self._store.commit(commit, self._epoch)
        except StoreError as error:
            self._reporter.commit_failed(error, self._monotonic() - began_at)
            raise
        self._steps.reached("committed")
        self._committed(commit, self._monotonic() - began_at)

    def _committed(self, commit: Commit, seconds: float) -> None:
        for source, lines in self._ingestion.committed().items():
            self._pumps[source].acknowledge(lines)
        self._steps.reached("acknowledged")
        self._notifier.committed(commit)
        point_to_failing(commit.incidents, self._sources)
        self._taking.committed()
        self._reporter.committed(commit, seconds)

    def _publish(self) -> None:
        statuses = self._statuses()
        is_full = self._deliveries.qsize() >= self._settings.queued_reads
        self._reporter.publish(statuses, self._ingestion.engine, is_backlog_full=is_full)

    def _statuses(self) -> dict[str, SourceStatus]:
        return {name: pump.status() for name, pump in self._pumps.items()}
