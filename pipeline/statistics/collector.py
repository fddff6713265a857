"""Sums over the events of a log. Memory is bounded: where a log holds more buckets of time, the buckets get wider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from parsers.events import (
    Event,
    FailureSeen,
    KeyDeleted,
    ObjectKey,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from pipeline.engine.incidents import Incident
from pipeline.statistics.incident_rows import blast_rows, cause_row
from pipeline.statistics.key_state import KeyState
from pipeline.statistics.rows import FailureRow, KeyRow, RetryRow, Statistics
from pipeline.templates import Residue

MAX_KEYS = 50_000
MAX_BUCKETS = 100_000
BUCKET_SECONDS = 60
MAX_BUCKET_SECONDS = 64 * 3600
_WIDER = {60: 300, 300: 900, 900: 3600}
HOUR_SECONDS = 3600


class StatisticsCollector:
    """Takes events in the order of time, keeps sums of them."""

    def __init__(self, *, max_buckets: int = MAX_BUCKETS) -> None:
        self._keys: dict[ObjectKey, KeyState] = {}
        self._attempts: dict[tuple[int, int, str], int] = {}  # (key, bucket, class); key 0: a failure without a key
        self._retries: dict[tuple[int, int], int] = {}
        self._max_buckets = max_buckets
        self._bucket_seconds = BUCKET_SECONDS
        self._omitted = 0

    def add(self, event: Event) -> None:
        """Take one event."""
        match event:
            case SyncFailed():
                self._fail(event, event.failure.failure_class, is_refusal=False)
            case SyncRefused():
                self._fail(event, event.failure.failure_class, is_refusal=True)
            case ReplicasBlocked(failure=failure) if failure is not None:
                self._fail(event, failure.failure_class, is_refusal=True)
            case FailureSeen():
                self._put(0, event.at, event.failure.failure_class)
            case RetryCounted():
                self._count(event)
            case SyncCompleted() | KeyDeleted() | ReplicasBlocked():
                state = self._keys.get(event.key)
                if state is not None:
                    state.complete(event.at) if isinstance(event, SyncCompleted) else state.end()

    def _fail(self, event: SyncFailed | SyncRefused | ReplicasBlocked, failure_class: str, *, is_refusal: bool) -> None:
        state = self._state(event.key, event.at)
        if state is None:
            return
        state.attempts += 1
        state.refusals += is_refusal
        state.was_refused = isinstance(event, SyncRefused)
        state.is_blocked = state.is_blocked or isinstance(event, ReplicasBlocked)
        state.fail(event.at)
        self._put(state.number, event.at, failure_class)

    def _count(self, event: RetryCounted) -> None:
        state = self._state(event.key, event.at)
        if state is None:
            return
        if state.count(event.count, event.at):
            self._put(state.number, event.at, "unknown")
        place = (state.number, self._bucket(event.at))
        self._retries[place] = max(self._retries.get(place, 0), event.count)
        self._widen_where_needed()

    def _state(self, key: ObjectKey, at: datetime) -> KeyState | None:
        state = self._keys.get(key)
        if state is None:
            if len(self._keys) >= MAX_KEYS:
                self._omitted += 1
                return None
            state = self._keys[key] = KeyState(len(self._keys) + 1, at)
        return state

    def _bucket(self, at: datetime) -> int:
        return int(at.timestamp()) // self._bucket_seconds

    def _put(self, number: int, at: datetime, failure_class: str) -> None:
        place = (number, self._bucket(at), failure_class)
        self._attempts[place] = self._attempts.get(place, 0) + 1
        self._widen_where_needed()

    def _widen_where_needed(self) -> None:
        while max(len(self._attempts), len(self._retries)) > self._max_buckets:
            if self._bucket_seconds >= MAX_BUCKET_SECONDS:
                return  # there are more keys than buckets: their number is limited elsewhere
            wider = _WIDER.get(self._bucket_seconds, self._bucket_seconds * 2)
            factor, self._bucket_seconds = wider // self._bucket_seconds, wider
            attempts: dict[tuple[int, int, str], int] = {}
            for (number, bucket, name), count in self._attempts.items():
                place = (number, bucket // factor, name)
                attempts[place] = attempts.get(place, 0) + count
            retries: dict[tuple[int, int], int] = {}
            for (number, bucket), count in self._retries.items():
                retries[number, bucket // factor] = max(retries.get((number, bucket // factor), 0), count)
            self._attempts, self._retries = attempts, retries

    def statistics(
        self,
        incidents: Sequence[Incident] = (),
        residue: Residue | None = None,
        *,
        first_at: datetime | None = None,
        last_at: datetime | None = None,
    ) -> Statistics:
        """All rows. `first_at` and `last_at` are the time covered."""
        left = residue or Residue()
        return Statistics(
            first_at=first_at,
            last_at=last_at,
            bucket_seconds=self._bucket_seconds,
            keys=tuple(self._key_rows()),
            retries=tuple(self._retry_rows()),
            failures=tuple(self._failure_rows()),
            causes=tuple(cause_row(incident) for incident in _told(incidents)),
            blast_radius=tuple(row for incident in _told(incidents) for row in blast_rows(incident)),
            templates=left.templates,
            keys_omitted_count=self._omitted,
            ungrouped_count=left.ungrouped_count,
        )

    def _key_rows(self) -> Iterator[KeyRow]:
        for key, state in sorted(self._keys.items(), key=lambda item: (-item[1].attempts, item[0])):
            yield KeyRow(
                kind=key.kind,
                namespace=key.namespace,
                name=key.name,
                attempts=state.attempts,
                refusals=state.refusals,
                max_retries=state.max_retries,
                first_failed_at=state.first_at,
                last_failed_at=state.last_at,
                streaks=state.streaks,
                longest_streak_attempts=state.longest_attempts,
                longest_streak_seconds=round(state.longest_seconds, 3),
            )

    def _retry_rows(self) -> Iterator[RetryRow]:
        sums: dict[tuple[int, int], int] = dict.fromkeys(self._retries, 0)
        for (number, bucket, _), count in self._attempts.items():
            if number:
                sums[number, bucket] = sums.get((number, bucket), 0) + count
        by_number = {state.number: key for key, state in self._keys.items()}
        order = sorted(sums.items(), key=lambda item: (by_number[item[0][0]], item[0][1]))
        for (number, bucket), attempts in order:
            key = by_number[number]
            retries = self._retries.get((number, bucket))
            yield RetryRow(key.kind, key.namespace, key.name, self._begin(bucket), attempts, retries)

    def _begin(self, bucket: int) -> datetime:
        return datetime.fromtimestamp(bucket * self._bucket_seconds, UTC)

    def _failure_rows(self) -> Iterator[FailureRow]:
        width = max(self._bucket_seconds, HOUR_SECONDS)
        attempts: dict[tuple[datetime, str], int] = {}
        others: dict[tuple[datetime, str], int] = {}
        keys: dict[tuple[datetime, str], set[int]] = {}
        for (number, bucket, failure_class), count in self._attempts.items():
            begin = bucket * self._bucket_seconds // width * width
            place = (datetime.fromtimestamp(begin, UTC), failure_class)
            sums = attempts if number else others
            sums[place] = sums.get(place, 0) + count
            if number:
                keys.setdefault(place, set()).add(number)
        for at, failure_class in sorted({*attempts, *others}):
            place = (at, failure_class)
            found = len(keys.get(place, ()))
            yield FailureRow(failure_class, at, attempts.get(place, 0), found, others.get(place, 0))


def _told(incidents: Iterable[Incident]) -> list[Incident]:
    return [incident for incident in incidents if incident.status != "merged"]
