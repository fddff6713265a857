"""From the lines of one stream to events: times put right, the lines of one failed attempt counted once.

One `StreamReader` serves one stream (a file, a partition, a container's log); within it every origin has its own
state. The state is small and only about reading: which time the neighbour had, which failure texts stand near.
What events mean together is the engine's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import msgspec

from parsers.clock_offset import with_clock_offset
from parsers.controller import (
    ControllerLine,
    LineKind,
    is_deletion_of,
    read_controller_line,
    replica_failure_of,
)
from parsers.event_times import Placed, StreamClock
from parsers.events import (
    ControllerStarted,
    ControllerStopped,
    Event,
    Failure,
    FailureSeen,
    KeyDeleted,
    LeaderElected,
    LeaderLost,
    ObjectKey,
    PodCreationSeen,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from parsers.expiry_notices import NOTICE_CARRIER
from parsers.failures import FailureFinder
from parsers.parse import parse_line
from parsers.pod_creation import is_about_pods, read_pod_creation
from parsers.reader_memory import OriginMemory, ReaderMemory, WaitingAttempt, memory_without_secrets
from parsers.records import LogRecord, Origin, SourceLine, TimeBasis, Unparsed
from parsers.residue import ResidueReader
from parsers.unknown import unknown_failure

RECENT_CAUSES = 32
"""How many causes of an origin are remembered to know their echoes by."""
MAX_ATTEMPTED = 50_000
"""Keys remembered whose retry line is still to come; at log level warn it never does."""
MIN_ECHO_CHARS = 24
UNPARSED_SAMPLES = 20


class StreamCounts(msgspec.Struct):
    """What became of the lines of one stream that were looked at."""

    records: int = 0
    unparsed: Counter[str] = msgspec.field(default_factory=Counter)
    unparsed_samples: list[Unparsed] = msgspec.field(default_factory=list)
    events: int = 0
    recognised: int = 0
    without_time: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


class StreamReader:
    """Events of one stream's lines, in the stream's own order."""

    def __init__(
        self,
        finder: FailureFinder,
        *,
        fallback_at: datetime,
        year_hint: datetime | None = None,
        with_residue: bool = False,
    ) -> None:
        """Read one stream.

        Args:
            finder: finds the failures.
            fallback_at: the time of reading; records without any time get it.
            year_hint: gives klog times their year; None: the records before them, or the arrival, do.
            with_residue: error records that no rule knows are events, too.
        """
        self.counts = StreamCounts()
        self.residue = ResidueReader(finder) if with_residue else None
        self._finder = finder
        self._clock = StreamClock(fallback_at)
        self._year_hint = year_hint
        self._origins: dict[Origin, OriginMemory] = {}

    def read_now(self, at: datetime) -> None:
        """The time of reading has moved on."""
        self._clock.fallback_at = at

    def expect_times_near(self, at: datetime | None) -> None:
        """A time with a year stands near the beginning of the stream; what has no year is of a day near it."""
        self._clock.newest_at = at

    def remember(self) -> ReaderMemory:
        """What is needed to go on later, in another process."""
        return memory_without_secrets(self._clock.newest_at, self._clock.origins, self._origins)

    def recall(self, memory: ReaderMemory) -> None:
        """Go on where another reader stood; to be called before the first line."""
        self._clock.newest_at = memory.newest_at
        self._clock.origins.update(memory.times)
        self._origins.update(memory.origins)

    def forget_origins(self, most: int) -> None:
        """Keep those that were met last: pods come and go, a stream may last for years."""
        for origin in list(self._origins)[: max(0, len(self._origins) - most)]:
            del self._origins[origin]
            self._clock.origins.pop(origin, None)

    def read(self, line: SourceLine) -> Iterator[Event]:
        """Events of one line, none for most."""
        record = parse_line(line, year_hint=self._year_hint or self._clock.newest_at or line.received_at)
        if isinstance(record, Unparsed):
            self._count_unparsed(record)
            return
        self.counts.records += 1
        self.counts.without_time += record.time_basis is TimeBasis.NONE and record.since_start_seconds is None
        for placed in self._clock.place(record, line.received_at):
            yield from self._read_placed(placed)

    def _read_placed(self, placed: Placed) -> Iterator[Event]:
        record, at = placed.record, placed.at
        if placed.is_own:
            self._note_time(at)
        state = self._origins.pop(record.origin, None) or OriginMemory()
        self._origins[record.origin] = state  # the newest stands last
        events = list(self._events_of(record, at, state))
        self.counts.events += len(events)
        yield from events
        if self.residue is not None:
            yield from self.residue.read(record, at, events)

    def finish(self) -> Iterator[Event]:
        """The stream has ended: events of what was held back."""
        for placed in self._clock.finish():
            yield from self._read_placed(placed)
        if self.residue is not None:
            yield from self.residue.finish()

    def _count_unparsed(self, unparsed: Unparsed) -> None:
        self.counts.unparsed[unparsed.reason.value] += 1
        if len(self.counts.unparsed_samples) < UNPARSED_SAMPLES:
            self.counts.unparsed_samples.append(unparsed)

    def _note_time(self, at: datetime) -> None:
        counts = self.counts
        if counts.first_at is None or at < counts.first_at:
            counts.first_at = at
        if counts.last_at is None or at > counts.last_at:
            counts.last_at = at

    def _events_of(self, record: LogRecord, at: datetime, state: OriginMemory) -> Iterator[Event]:
        line = read_controller_line(record)
        origin, number = record.origin, record.line
        match line.kind:
            case LineKind.SYNC_COMPLETED if line.key is not None:
                yield SyncCompleted(at, origin, number, line.key, line.generation)
            case LineKind.SYNC_FAILED | LineKind.RECONCILE_FAILED:
                yield from self._attempt(line, record, at, state)
            case LineKind.RETRY_COUNTED if line.key is not None:
                yield from self._retry(line, line.key, record, at, state)
            case LineKind.SYNC_REFUSED if line.key is not None:
                failure = with_clock_offset(self._failure(line.cause), record)
                yield SyncRefused(at, origin, number, line.key, failure)
            case LineKind.CONDITIONS_PATCHED if line.key is not None:
                yield from self._conditions(line, line.key, record, at)
            case LineKind.DELETED if line.key is not None:
                yield KeyDeleted(at, origin, number, line.key)
            case LineKind.PANICKED:
                state.panic = line.cause
            case LineKind.STARTED | LineKind.LEADER_ELECTED | LineKind.LEADER_LOST | LineKind.STOPPED:
                yield self._milestone(line, record, at, state)
            case LineKind.SYNC_COMPLETED | LineKind.SYMPTOM:
                return
            case _:
                yield from self._pod_creation(record, at)
                yield from self._other(line, record, at, state)

    def _milestone(self, line: ControllerLine, record: LogRecord, at: datetime, state: OriginMemory) -> Event:
        """What happens to the process as a whole."""
        origin, number = record.origin, record.line
        match line.kind:
            case LineKind.STARTED:
                state.attempted.clear()
                return ControllerStarted(at, origin, number, line.name)
            case LineKind.LEADER_ELECTED:
                return LeaderElected(at, origin, number, line.name)
            case LineKind.LEADER_LOST:
                return LeaderLost(at, origin, number, line.name)
            case _:
                return ControllerStopped(at, origin, number)

    def _failure(self, cause: str) -> Failure:
        """The failure in a text that certainly tells of one."""
        found = self._finder.find(cause)
        return found if found is not None else unknown_failure(cause)

    def _attempt(self, line: ControllerLine, record: LogRecord, at: datetime, state: OriginMemory) -> Iterator[Event]:
        if line.kind is LineKind.RECONCILE_FAILED:
            state.wait_for_count(WaitingAttempt(at, record.line, line))
            return
        state.causes.append(line.cause.strip())
        del state.causes[:-RECENT_CAUSES]
        if line.key is None:
            state.wait_for_count(WaitingAttempt(at, record.line, line))
            return
        state.forget_waiting(line.key)
        if is_deletion_of(line.key, line.cause):
            state.wait_for_count(WaitingAttempt(at, record.line, line))  # counted, it is tried again all the same
            yield KeyDeleted(at, record.origin, record.line, line.key)
            return
        if len(state.attempted) >= MAX_ATTEMPTED:
            state.attempted.clear()
        state.attempted.add(line.key)
        failure = with_clock_offset(self._failure(_with_panic(line.cause, state)), record)
        yield SyncFailed(at, record.origin, record.line, line.key, failure)

    def _retry(
        self, line: ControllerLine, key: ObjectKey, record: LogRecord, at: datetime, state: OriginMemory
    ) -> Iterator[Event]:
        """The count; before it the attempt, where its own line lost its key or is not in the log."""
        if key not in state.attempted and (attempt := state.attempt_before(key, at)) is not None:
            yield SyncFailed(at, record.origin, attempt.line, key, self._failure(attempt.said.cause))
        state.attempted.discard(key)
        yield RetryCounted(at, record.origin, record.line, key, line.count)

    def _conditions(self, line: ControllerLine, key: ObjectKey, record: LogRecord, at: datetime) -> Iterator[Event]:
        message = replica_failure_of(line.cause)
        if message is None:
            return
        failure = self._failure(message) if message else None
        yield ReplicasBlocked(at, record.origin, record.line, key, failure)

    def _pod_creation(self, record: LogRecord, at: datetime) -> Iterator[Event]:
        """Pods that kube-controller-manager created or could not create."""
        creation = read_pod_creation(record)
        if creation is None:
            return
        failure = self._finder.find(creation.cause) if creation.cause is not None else None
        if creation.cause is None or (failure is not None and is_about_pods(failure)):
            yield PodCreationSeen(at, record.origin, record.line, creation.namespace, creation.name, failure)

    def _other(self, line: ControllerLine, record: LogRecord, at: datetime, state: OriginMemory) -> Iterator[Event]:
        """A failure without a key, unless it is the echo of an attempt."""
        failure = self._finder.find_in_record(record)
        is_fatal = line.kind is LineKind.FATAL
        if failure is None and is_fatal:
            failure = unknown_failure(line.cause)
        if failure is None:
            return
        self.counts.recognised += 1
        if self._finder.is_notice(failure):
            if state.notices.is_lasting(failure, record, at):
                yield FailureSeen(at, record.origin, record.line, failure, NOTICE_CARRIER)
            return
        if not is_fatal and _is_echo(record, state.causes):
            return
        failure = with_clock_offset(failure, record)
        yield FailureSeen(at, record.origin, record.line, failure, line.kind.value, None, is_fatal)


def _with_panic(cause: str, state: OriginMemory) -> str:
    """The cause of an attempt; that of a panic is only announced there, what happened stands in the line before."""
    if state.panic and cause.strip().lower() == "recovered from panic":
        return state.panic
    return cause


def _is_echo(record: LogRecord, causes: list[str]) -> bool:
    """Whether a record repeats the cause of a recent attempt: client-go's HandleError prints it once more.

    The cause is the message (klog, logrus up to v1.8) or the `error` field (v1.9); either may be cut.
    """
    for text in (record.fields.get("error", ""), record.message):
        echo = text.strip()
        if echo in causes:
            return True
        if len(echo) >= MIN_ECHO_CHARS and any(
            cause.startswith(echo) or (len(cause) >= MIN_ECHO_CHARS and echo.startswith(cause)) for cause in causes
        ):
            return True
    return False
