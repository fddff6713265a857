"""The loop: waits for the claim, loads, reads, feeds, commits; and what happens when something of it is away.

One thread, the only writer of engine and store. Whatever goes wrong between two commits ends in the same way: the state
in memory is dropped, what was committed last is loaded, and the sources go back to the positions in it.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from pipeline.daemon.caution import halves_of, lines_of, set_aside
from pipeline.daemon.claiming import ClaimKeeper
from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.notifying import NoDispatch, Notifier
from pipeline.daemon.pump import Delivery, Pump
from pipeline.daemon.reporting import Reporter
from pipeline.delivery.planner import Planner
from pipeline.delivery.settings import DeliverySettings
from pipeline.engine.hearing import Listened, Listening
from pipeline.errors import (
    ClaimLostError,
    CommitUnknownError,
    SourceError,
    StoreError,
    StoreUnavailableError,
    WhystuckError,
)
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import Fetched, LiveSource, SourceStatus
from pipeline.status import DaemonRole
from pipeline.store.records import Claim, Commit
from pipeline.store.store import SqlStore
from pipeline.watch_settings import WatchSettings

_log = get_logger("daemon")

TICK_SECONDS = 0.05
FORGET_EVERY_SECONDS = 600.0
RETAIN_EVERY_SECONDS = 600.0
"""Between looks for incidents that are old enough to be deleted; the rest of a large number follows at once."""
DELETED_AT_ONCE = 500
"""Rows in one transaction: no batch waits long for it."""
ADVANCE_EVERY_SECONDS = 1.0
LISTEN_EVERY_SECONDS = 1.0
NOTES_EVERY_SECONDS = 1.0
"""Between looks for acknowledgements and silences."""
MAX_LISTENED_SECONDS = 5.0
"""At once: a process that was stopped for longer has not listened."""
LIVE_SECONDS = 10.0
"""A stream that is behind by more is being caught up with."""
CATCH_UP_SECONDS = 30.0
"""Between evaluations meanwhile."""
BUSY_SECONDS = 1.0
"""The same where reads wait for the engine."""
EVALUATE_SECONDS_PER_KEY = 0.0005
"""An evaluation takes about 60 µs a key that has failed."""
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
        self._pumps = {name: Pump(source, self._deliveries) for name, source in sources.items()}
        self._stop_at: float | None = None
        self._stop_asked = threading.Event()
        self._reload: Callable[[Ingestion], None] | None = None
        self._epoch = 0
        self._failures = 0  # in a row, without a commit between them
        self._failures_aside = 0  # records set aside in a row
        self._suspects: dict[tuple[str, str], int] = {}  # line behind the batch that failed, by source and stream
        self._taken_to: dict[tuple[str, str], int] = {}  # since the last commit
        self._newest_seconds: dict[tuple[str, str], float] = {}  # the sources' time of the newest record
        self._done_at: dict[str, float] = {}
        self._listened_at: float | None = None

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
        return True

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
        """Commit what was read; a store that does not answer ends with the bound, and nothing is lost."""
        if self._ends_when_caught_up and not self._stop_asked.is_set():
            self._ingestion.finish(self._now())
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
        self._taken_to.clear()
        self._done_at["evaluate"] = self._monotonic()
        self._listened_at = None
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
            if not _is_of_content(error):
                raise
            self._retry(error)

    def _receive(self, delivery: Delivery) -> None:
        if delivery.error is not None or delivery.fetched is None:
            self._source_failed(delivery)
            return
        fetched = delivery.fetched
        self._steps.reached("read")
        place = delivery.source, fetched.stream
        if fetched.newest_at_seconds is not None:
            self._newest_seconds[place] = fetched.newest_at_seconds
        self._reporter.fetched(delivery.source, fetched)
        self._taken_to[place] = fetched.next_line
        if self._failures > 1 and place in self._suspects:
            self._take_carefully(delivery.source, fetched)
        else:
            self._ingestion.take(delivery.source, fetched, self._now())
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
        if self._is_due("release", self._settings.idle_seconds / 4):
            self._ingestion.release_idle(self._now(), self._streams_behind())
        if self._is_due("evaluate", self._pause_between_evaluations()):
            self._ingestion.evaluate()
        if self._is_due("advance", ADVANCE_EVERY_SECONDS):
            self._advance()
        if self._is_due("listen", LISTEN_EVERY_SECONDS):
            self._listen()
        self._tidy()
        if self._is_due("notes", NOTES_EVERY_SECONDS):
            self._notifier.look(self._now())
        is_full = self._ingestion.lines_taken >= self._settings.batch_lines
        if is_full or self._is_due("commit", self._settings.commit_seconds):
            self._commit()
        if self._is_due("publish", 1.0):
            self._publish()
        if self._reload is not None:
            self._commit()
            change, self._reload = self._reload, None
            change(self._ingestion)
            self._load()

    def _forget(self) -> None:
        """As far as the sources have told the story: after an outage of a week, that is a week ago."""
        if self._told_until():
            self._ingestion.forget(self._event_time() - timedelta(seconds=self._settings.forget_seconds))

    def _delete_expired(self) -> None:
        """Retention. Our clock alone never decides: one that jumped into the future would delete everything."""
        if not self._told_until():
            return
        before = self._event_time() - timedelta(seconds=self._store.database.settings.retention_seconds)
        deleted = self._store.delete_expired(before, self._epoch, limit=DELETED_AT_ONCE)
        if deleted:
            _log.info("incidents.expired", rows=deleted, before=before.isoformat())
        if deleted >= DELETED_AT_ONCE:
            del self._done_at["retain"]

    def _tidy(self) -> None:
        if self._is_due("forget", FORGET_EVERY_SECONDS):
            self._forget()
        if self._is_due("retain", RETAIN_EVERY_SECONDS):
            self._delete_expired()

    def _pause_between_evaluations(self) -> float:
        """Seconds. In a catch-up the end of the story is what matters, and one source may be far behind another."""
        is_behind = any(lag > LIVE_SECONDS for pump in self._pumps.values() for lag in _lags(pump.status()))
        if is_behind or (self._ends_when_caught_up and not self._is_caught_up()):
            return CATCH_UP_SECONDS
        keys = sum(self._ingestion.engine.key_counts().values())
        least = self._settings.commit_seconds if self._deliveries.empty() else BUSY_SECONDS
        return max(least, EVALUATE_SECONDS_PER_KEY * keys)

    def _is_due(self, what: str, every_seconds: float) -> bool:
        now = self._monotonic()
        if now - self._done_at.get(what, -math.inf) < every_seconds:
            return False
        self._done_at[what] = now
        return True

    def _streams_behind(self) -> list[tuple[str, str]]:
        return [
            (name, stream)
            for name, pump in self._pumps.items()
            for stream, lag in pump.status().lags.items()
            if lag.records
        ]

    def _event_time(self) -> datetime:
        """How far the sources have told the story, whatever their clocks: never beyond ours. Something was read."""
        return min(self._now(), datetime.fromtimestamp(max(self._told_until()), UTC))

    def _told_until(self) -> list[float]:
        """Seconds since 1970 up to which each source and stream has told; none: nothing was read."""
        quiet = (pump.status().told_until_seconds for pump in self._pumps.values())
        return [*self._newest_seconds.values(), *(at for at in quiet if at is not None)]

    def _advance(self) -> None:
        """Where nothing is left to read, time goes on without events."""
        if not self._ends_when_caught_up and self._told_until() and self._is_caught_up():
            self._ingestion.advance(self._event_time())

    def _listen(self) -> None:
        """Which controllers are not heard, as far as that can be told."""
        began_at, self._listened_at = self._listened_at, self._monotonic()
        if self._ends_when_caught_up or not self._settings.silence_seconds or began_at is None:
            return
        now = self._now()
        for name, pump in self._pumps.items():
            status = pump.status()
            is_live = all(lag <= LIVE_SECONDS for lag in _lags(status))
            how = Listening.CAUGHT_UP if is_live else Listening.BEHIND
            listened = Listened(
                source=name,
                how=how if status.is_connected else Listening.AWAY,
                seconds=min(self._listened_at - began_at, MAX_LISTENED_SECONDS),
                until=now,
                silent_after_seconds=self._settings.silence_seconds,
                oldest_at=now - timedelta(seconds=self._settings.notify_max_age_seconds),
                problem="" if status.is_connected else status.problem,
            )
            self._ingestion.listen(listened)

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
        self._taken_to.clear()
        if not self._suspects:
            self._failures = self._failures_aside = 0
        self._reporter.committed(commit, seconds)

    def _publish(self) -> None:
        statuses = {name: pump.status() for name, pump in self._pumps.items()}
        is_full = self._deliveries.qsize() >= self._settings.queued_reads
        self._reporter.publish(statuses, self._ingestion.engine, is_backlog_full=is_full)

    def _retry(self, error: Exception) -> None:
        """Begin again at the last commit; what fails once more is looked at record by record."""
        self._failures += 1
        _log.error("batch.failed", attempt=self._failures, error=type(error).__name__, exc_info=error)
        if self._failures > 3 and not self._suspects:
            raise WhystuckError(f"cannot go on: {type(error).__name__}: {error}") from error
        for place, line in self._taken_to.items():
            self._suspects[place] = max(line, self._suspects.get(place, 0))
        self._load()

    def _take_carefully(self, source: str, fetched: Fetched) -> None:
        """In halves, each committed by itself, down to the record that fails."""
        parts = [fetched]
        while parts:
            part = parts.pop(0)
            try:
                self._ingestion.take(source, part, self._now())
                self._ingestion.release_all(self._now())
                self._ingestion.evaluate()
                self._commit()
            except Exception as error:  # it is what is looked for
                if not _is_of_content(error):
                    raise
                self._recall()
                if len(lines_of(part)) > 1:
                    parts[:0] = halves_of(part)
                else:
                    self._set_aside(source, part, error)
        if fetched.next_line >= self._suspects[source, fetched.stream]:
            del self._suspects[source, fetched.stream]

    def _set_aside(self, source: str, part: Fetched, error: Exception) -> None:
        self._failures_aside += 1
        if self._failures_aside > self._settings.max_quarantined_in_a_row or not lines_of(part):
            raise WhystuckError(f"cannot go on: {type(error).__name__}: {error}") from error
        record = set_aside(source, part, error)
        _log.error("record.set_aside", source=source, stream=record.stream, offset=record.first, detail=record.detail)
        self._ingestion.set_aside(record)
        self._commit()


def _is_of_content(error: Exception) -> bool:
    """Whether it may be what was read that we fail on: an error of our own code, or content that the store refuses."""
    return not isinstance(error, WhystuckError) or type(error) is StoreError  # those below it are of other kinds


def _lags(status: SourceStatus) -> Iterator[float]:
    """Seconds that each stream is behind; where only records are known to be left, it may be any."""
    for lag in status.lags.values():
        if lag.seconds is not None:
            yield lag.seconds
        elif lag.records:
            yield math.inf
