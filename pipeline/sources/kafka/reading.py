"""Reads records, and goes on whatever happens: lost offsets, batches that cannot be decoded, brokers that are away."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.sources.kafka.clients import (
    Bounds,
    Clients,
    ClientTrouble,
    Inspector,
    OutOfRangeError,
    Partition,
    Reader,
    Record,
    UndecodableError,
)
from pipeline.sources.kafka.pacing import Pacer
from pipeline.sources.kafka.positions import Placement, Position, after_divergence, after_out_of_range
from pipeline.sources.kafka.progress import ProgressTable
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.sources.kafka.values import Assembler, newest_seconds
from pipeline.sources.live import Fetched
from pipeline.store.records import Quarantined, QuarantineReason

REOPEN_SECONDS = 2.0
"""How long opening a new reader may hold up a read: short, as the next read tries again."""
RETRY_SECONDS = 1.0
SUSPECT_SECONDS = 5.0
"""A partition that gives neither records nor an error for this long is not the one that cannot be decoded."""
STUCK_SECONDS = 30.0
"""The brokers hold records and the reader gives none for this long: it knows old addresses only, or hangs."""


class KafkaCounts(msgspec.Struct, frozen=True):
    """What was read since the process began."""

    record_count: int = 0
    empty_count: int = 0  # records with an empty value
    tombstone_count: int = 0  # records without a value
    quarantined_count: int = 0


class Reading:
    """Reads the partitions of a table, each from its place on."""

    def __init__(
        self,
        settings: KafkaSettings,
        clients: Clients,
        table: ProgressTable,
        assembler: Assembler,
        *,
        wait: Callable[[float], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            settings: of the source.
            clients: makes readers.
            table: how far each partition was read; it is kept up to date.
            assembler: makes blocks of records.
            wait: waits so many seconds, or less when the source is being closed.
            monotonic: clock, in seconds.
        """
        self._settings = settings
        self._clients = clients
        self._table = table
        self._assembler = assembler
        self._wait = wait
        self._monotonic = monotonic
        self._reader: Reader | None = None
        self._pacer = Pacer(settings.ahead_seconds)
        self._assigned: frozenset[Partition] | None = None  # what the reader was told to read; None: tell it anew
        self._suspects: deque[Partition] = deque()
        self._suspected_at = 0.0
        self._given_at = monotonic()
        self.problem = ""
        self.counts = KafkaCounts()

    def open(self, timeout_seconds: float) -> None:
        """Open a reader, to see whether that works. Raises ClientTrouble."""
        self._reader = self._clients.open_reader(timeout_seconds)

    def reassign(self) -> None:
        """The table says other partitions or places than before: read these."""
        self._suspects.clear()
        self._pacer = Pacer(self._settings.ahead_seconds)
        self._given_at = self._monotonic()
        self._assigned = None

    def close(self) -> None:
        """Let go of the reader."""
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.close()

    def read(self, timeout_seconds: float, inspector: Inspector) -> list[Fetched]:
        """What comes next, of one partition or several; nothing where nothing came."""
        reader = self._reader or self._reopen(timeout_seconds)
        if reader is None:
            return []
        try:
            if self._suspects:
                return self._read_suspect(reader, timeout_seconds, inspector)
            return self._read_all(reader, timeout_seconds)
        except OutOfRangeError as error:
            return self._leave_hole(error, inspector, timeout_seconds)
        except UndecodableError as error:
            # The library would never come back from the next poll: it is closed whatever comes.
            self.close()
            self._suspects = deque(self._table.behind())
            self._suspected_at = self._monotonic()
            self.problem = f"a batch cannot be decoded: {error}"
        except ClientTrouble as trouble:
            self.close()
            self.problem = str(trouble)
            self._wait(min(timeout_seconds, RETRY_SECONDS))
        return []

    def _reopen(self, timeout_seconds: float) -> Reader | None:
        try:
            self.open(REOPEN_SECONDS)
        except (ClientTrouble, ConfigurationError) as trouble:
            self.problem = str(trouble)
            self._wait(min(timeout_seconds, RETRY_SECONDS))
            return None
        self._assigned = None
        self._given_at = self._monotonic()
        return self._reader

    def _read_all(self, reader: Reader, timeout_seconds: float) -> list[Fetched]:
        paces = self._table.paces()
        wanted = frozenset(paces) - self._pacer.find_ahead(paces, self._monotonic())
        if not wanted:
            self._wait(timeout_seconds)
            return []
        self._assign(reader, wanted)
        polled = reader.poll(timeout_seconds)
        if not polled:
            fetched = self._pass_what_is_no_record(reader, wanted)
            self._close_if_stuck(wanted)
            return fetched
        self.problem = ""
        return self._deliver(reader, polled)

    def _assign(self, reader: Reader, partitions: frozenset[Partition]) -> None:
        if partitions != self._assigned:
            reader.assign({each: self._table[each].next_offset for each in partitions})
            self._assigned = partitions

    def _deliver(self, reader: Reader, polled: Mapping[Partition, Sequence[Record]]) -> list[Fetched]:
        now = self._given_at = self._monotonic()
        fetched: list[Fetched] = []
        for partition, records in polled.items():
            if not records or partition not in self._table:
                continue
            assembled = self._assembler.assemble(partition, records)
            next_offset, newest_at = records[-1].offset + 1, newest_seconds(records)
            self._table.note_read(partition, next_offset, newest_at)
            self._table.note_end(partition, reader.end(partition))
            self._pacer.note_delivery(partition, now)
            counts = self.counts
            self.counts = KafkaCounts(
                counts.record_count + len(records),
                counts.empty_count + assembled.empty_count,
                counts.tombstone_count + assembled.tombstone_count,
                counts.quarantined_count + len(assembled.quarantined),
            )
            stream = partition.stream
            fetched.append(Fetched(stream, assembled.blocks, next_offset, newest_at, assembled.quarantined))
        return fetched

    def _pass_what_is_no_record(self, reader: Reader, partitions: frozenset[Partition]) -> list[Fetched]:
        """Marks of transactions and holes of compaction take offsets, too: go past them, or the lag never ends."""
        fetched: list[Fetched] = []
        for partition in partitions:
            progress = self._table[partition]
            if progress.is_behind and (position := reader.position(partition)) > progress.next_offset:
                self._table.note_read(partition, position, None)
                fetched.append(Fetched(partition.stream, (), position))
        return fetched

    def _close_if_stuck(self, partitions: frozenset[Partition]) -> None:
        if not any(self._table[each].is_behind for each in partitions):
            self._given_at = self._monotonic()
        elif self._monotonic() - self._given_at > STUCK_SECONDS:
            self.problem = f"brokers hold records and gave none for {STUCK_SECONDS:g} s: connecting anew"
            self.close()

    # Offsets that are not there

    def _leave_hole(self, error: OutOfRangeError, inspector: Inspector, timeout_seconds: float) -> list[Fetched]:
        fetched: list[Fetched] = []
        try:
            bounds = self._bounds_of_what_is_read(error.positions, inspector)
        except ClientTrouble as trouble:
            self.problem = str(trouble)
            bounds = {}
        for partition, offset in error.positions.items():
            place: Placement | None = None
            if partition in error.continue_at:
                place = after_divergence(self._settings.name, partition, offset, error.continue_at[partition])
            elif partition in bounds:
                place = after_out_of_range(self._settings.name, partition, offset, bounds[partition])
            if place is not None and partition in self._table:
                self._table.note_read(partition, place.offset, None)
                gaps = () if place.gap is None else (place.gap,)
                fetched.append(Fetched(partition.stream, (), place.offset, gaps=gaps))
        if not fetched:
            self._wait(min(timeout_seconds, RETRY_SECONDS))
        self.reassign()
        return fetched

    def _bounds_of_what_is_read(
        self, partitions: Collection[Partition], inspector: Inspector
    ) -> Mapping[Partition, Bounds]:
        """Without those of topics that were made again: the source begins anew there as soon as it has noticed."""
        bounds = inspector.bounds(partitions)  # before the ids: a topic made again in between is told from its id
        topics = inspector.describe({partition.topic for partition in bounds}).topics
        return {
            partition: held
            for partition, held in bounds.items()
            if (topic := topics.get(partition.topic)) is not None
            and Position(0, self._table[partition].topic_id).is_of(topic.id, "")
        }

    # Batches that cannot be decoded

    def _read_suspect(self, reader: Reader, timeout_seconds: float, inspector: Inspector) -> list[Fetched]:
        """Read one partition alone: the library does not say of which one the batch is."""
        partition = self._suspects[0]
        self._assign(reader, frozenset({partition}))
        try:
            polled = reader.poll(timeout_seconds)
        except UndecodableError as error:
            self.close()
            self._suspects.clear()
            return [self._skip_batch(partition, error, inspector)]
        if polled or self._monotonic() - self._suspected_at > SUSPECT_SECONDS:
            self._suspects.popleft()
            self._suspected_at = self._monotonic()
        return self._deliver(reader, polled)

    def _skip_batch(self, partition: Partition, error: UndecodableError, inspector: Inspector) -> Fetched:
        first = self._table[partition].next_offset
        try:
            last = inspector.last_of_batch(partition, first)
        except ClientTrouble:
            last = None
        last = first if last is None else max(first, last)
        detail = f"the batch cannot be decoded ({error}); its records from offset {first} to {last} are skipped"
        quarantined = Quarantined(
            self._settings.name, partition.stream, first, last, QuarantineReason.UNDECODABLE, detail
        )
        self._table.note_read(partition, last + 1, None)
        self.counts = msgspec.structs.replace(self.counts, quarantined_count=self.counts.quarantined_count + 1)
        return Fetched(partition.stream, (), last + 1, quarantined=(quarantined,))
