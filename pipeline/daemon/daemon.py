"""The loop: waits for the claim, loads, reads, feeds, commits; and what happens when something of it is away.

One thread, the only writer of engine and store. Whatever goes wrong between two commits ends in the same way: the state
in memory is dropped, what was committed last is loaded, and the sources go back to the positions in it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pipeline.daemon.asking import Asking
from pipeline.daemon.careful import CarefulTaking, is_of_content
from pipeline.daemon.claiming import ClaimKeeper
from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.intake import Intake
from pipeline.daemon.listening import Ear
from pipeline.daemon.notifying import NoDispatch, Notifier
from pipeline.daemon.pace import (
    LISTEN_EVERY_SECONDS,
    NOTES_EVERY_SECONDS,
    PUBLISH_EVERY_SECONDS,
    TICK_SECONDS,
    Pace,
)
from pipeline.daemon.pointing import point_to_failing
from pipeline.daemon.pump import Delivery
from pipeline.daemon.reporting import Reporter
from pipeline.daemon.told import Told
from pipeline.daemon.upkeep import Upkeep
from pipeline.delivery.planner import Planner
from pipeline.delivery.settings import DeliverySettings
from pipeline.errors import (
    ClaimLostError,
    CommitUnknownError,
    StoreError,
    StoreUnavailableError,
)
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import LiveSource
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
        self._sources = tuple(sources.values())
        self._intake = Intake(self._sources, settings.queued_reads)
        self._stop_at: float | None = None
        self._stop_asked = threading.Event()
        self._reload: Callable[[Ingestion], None] | None = None
        self._epoch = 0
        self._told = Told(self._intake.pumps)
        self._taking = CarefulTaking(
            ingestion, self._commit, self._recall, now=now, max_in_a_row=settings.max_quarantined_in_a_row
        )
        self._pace = Pace(monotonic)
        self._upkeep = Upkeep(settings, store, ingestion, self._told, self._pace, now=now)
        self._asking = Asking(
            settings.commit_seconds,
            ingestion,
            self._intake,
            self._told,
            self._pace,
            ends_when_caught_up=ends_when_caught_up,
            now=now,
        )
        self._ear = Ear(settings, self._intake.pumps, ingestion, now=now, monotonic=monotonic)

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
        self._intake.start()
        try:
            while not self._stop_asked.is_set():
                claim = self._claim()
                if claim is not None and self._lead(claim):
                    return
        finally:
            self._reporter.role(DaemonRole.DRAINING)
            self._intake.stop(self._settings.drain_seconds)

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
            self._intake.pause()
            return False
        except _AWAY as error:
            _log.warning("store.away", problem=str(error))
            self._reporter.store_problem(str(error))
            self._intake.pause()
            self._publish()
            self._stop_asked.wait(RETRY_SECONDS)
            return self._stop_asked.is_set()
        finally:
            self._notifier.dispatch.stop()
            keeper.stop()
        self._release_claim()
        if self._ends_when_caught_up and not self._stop_asked.is_set():
            self._intake.check()
        return True

    def _release_claim(self) -> None:
        try:
            self._store.release(self._epoch)
        except _AWAY as error:
            _log.warning("claim.not_released", problem=str(error))

    def _is_done(self) -> bool:
        if self._stop_asked.is_set():
            return True
        return self._ends_when_caught_up and self._intake.is_caught_up

    def _drain(self) -> None:
        """Commit what was read and what it means; a store that does not answer ends with the bound, nothing is lost."""
        self._asking.ask_last(is_stopped=self._stop_asked.is_set())
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
        self._intake.restart(positions)

    def _step(self) -> None:
        self._reporter.beat()
        delivery = self._intake.take(TICK_SECONDS)
        try:
            if delivery is not None:
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
        outage = self._intake.outage_of(delivery)
        _log.warning("source.away", source=delivery.source, problem=str(outage))
        self._stop_asked.wait(RETRY_SECONDS)
        self._commit()
        self._load()

    def _tick(self) -> None:
        if self._pace.is_due("release", self._settings.idle_seconds / 4):
            self._ingestion.release_idle(self._now(), self._told.streams_behind())
        self._asking.ask()
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
        self._intake.acknowledge(self._ingestion.committed())
        self._steps.reached("acknowledged")
        self._notifier.committed(commit)
        point_to_failing(commit.incidents, self._sources)
        self._taking.committed()
        self._reporter.committed(commit, seconds)

    def _publish(self) -> None:
        engine, intake = self._ingestion.engine, self._intake
        self._reporter.publish(intake.statuses(), engine, is_backlog_full=intake.is_full)
