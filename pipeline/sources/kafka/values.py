"""The values of one poll, put together into blocks of lines; what is no text is set aside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from parsers.records import Block, Origin
from parsers.redaction import redact
from parsers.text import clean_text
from pipeline.sources.kafka.clients import Partition, Record
from pipeline.sources.kafka.origins import OriginFinder
from pipeline.store.records import Quarantined, QuarantineReason

SPAN_MILLISECONDS = 5000
"""A block has one arrival, which stands in for times that lines lack: it must not stand for much more than this."""
LATEST_TIME = 253_402_300_799_000
"""End of the year 9999, in milliseconds: a producer may write any number, and this is no time."""
SAMPLE_BYTES = 4096
SAMPLE_CHARS = 400
_COMPRESSED = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}


class Assembled(msgspec.Struct, frozen=True):
    """What became of some records of one partition."""

    blocks: tuple[Block, ...]
    quarantined: tuple[Quarantined, ...] = ()
    empty_count: int = 0  # records with an empty value
    tombstone_count: int = 0  # records without a value


class Assembler:
    """Puts records together."""

    def __init__(
        self, source: str, origins: OriginFinder, *, max_value_bytes: int, now: Callable[[], datetime]
    ) -> None:
        self._source = source
        self._origins = origins
        self._max_value_bytes = max_value_bytes
        self._now = now

    def assemble(self, partition: Partition, records: Sequence[Record]) -> Assembled:
        """Blocks of the records' values, each with one origin; a value that holds several lines gives several."""
        if self._origins.is_by_partition:
            block = self._join_plain(partition, records)
            if block is not None:
                return Assembled((block,))
        return self._assemble_one_by_one(partition, records)

    def _join_plain(self, partition: Partition, records: Sequence[Record]) -> Block | None:
        """The usual case, ten times as fast: every value is one line, and nothing is odd about any of them."""
        values = [record.value for record in records]
        times = [record.timestamp for record in records]
        if not all(values) or not 0 < min(times) <= max(times) <= min(min(times) + SPAN_MILLISECONDS, LATEST_TIME):
            return None
        lines: list[bytes] = values  # type: ignore[assignment]  # none is None
        text = b"\n".join(lines)
        if text.count(b"\n") != len(lines) - 1 or len(max(lines, key=len)) > self._max_value_bytes:
            return None
        if any(magic in text for magic in _COMPRESSED):
            return None
        offsets = [record.offset for record in records]
        is_without_hole = offsets[-1] - offsets[0] == len(offsets) - 1
        numbers = range(offsets[0], offsets[-1] + 1) if is_without_hole else tuple(offsets)
        origin = self._origins.of_partition(partition)
        return Block(text + b"\n", origin, offsets[0], numbers, _time(max(times)))

    def _assemble_one_by_one(self, partition: Partition, records: Sequence[Record]) -> Assembled:
        open_blocks: dict[Origin, _OpenBlock] = {}
        done: list[_OpenBlock] = []
        quarantined: list[Quarantined] = []
        empty_count = tombstone_count = 0
        for record in records:
            value = record.value
            if value is None:
                tombstone_count += 1
                continue
            if not (value := value.rstrip(b"\r\n")):
                empty_count += 1
                continue
            if (refused := self._refuse(partition, record, value)) is not None:
                quarantined.append(refused)
                continue
            origin = self._origins.of_record(partition, record)
            block = open_blocks.get(origin)
            if block is None or not block.has_room_for(record.timestamp):
                block = open_blocks[origin] = _OpenBlock(origin, record.timestamp)
                done.append(block)
            block.add(record, value)
        blocks = tuple(block.close(self._now) for block in done)
        return Assembled(blocks, tuple(quarantined), empty_count, tombstone_count)

    def _refuse(self, partition: Partition, record: Record, value: bytes) -> Quarantined | None:
        if len(value) > self._max_value_bytes:
            detail = f"the value has {len(value)} bytes, more than max_value_bytes, which is {self._max_value_bytes}"
            return self._set_aside(partition, record, value, QuarantineReason.TOO_LARGE, detail)
        for magic, name in _COMPRESSED.items():
            if value.startswith(magic):
                detail = f"the value itself is compressed with {name}; let the producer compress batches in its place"
                return self._set_aside(partition, record, value, QuarantineReason.UNREADABLE, detail)
        return None

    def _set_aside(
        self, partition: Partition, record: Record, value: bytes, reason: QuarantineReason, detail: str
    ) -> Quarantined:
        sample = "" if reason is QuarantineReason.UNREADABLE else _sample(value)
        return Quarantined(
            self._source,
            partition.stream,
            record.offset,
            record.offset,
            reason,
            detail,
            at=_time(record.timestamp) if _is_time(record.timestamp) else None,
            size_bytes=len(value),
            sample=sample,
            sha256=hashlib.sha256(value).hexdigest(),
        )


class _OpenBlock:
    """A block that is being filled."""

    def __init__(self, origin: Origin, first_at: int) -> None:
        self._origin = origin
        self._first_at = first_at
        self._newest_at = first_at
        self._values: list[bytes] = []
        self._numbers: list[int] = []

    def has_room_for(self, at: int) -> bool:
        return abs(at - self._first_at) <= SPAN_MILLISECONDS

    def add(self, record: Record, value: bytes) -> None:
        self._values.append(value)
        line_count = value.count(b"\n") + 1
        self._numbers += [record.offset] * line_count
        self._newest_at = max(self._newest_at, record.timestamp)

    def close(self, now: Callable[[], datetime]) -> Block:
        arrived_at = _time(self._newest_at) if _is_time(self._newest_at) else now()
        data = b"\n".join(self._values) + b"\n"
        return Block(data, self._origin, self._numbers[0], tuple(self._numbers), arrived_at)


def newest_seconds(records: Sequence[Record]) -> float | None:
    """Time of the last record that has one, seconds since 1970."""
    milliseconds = next((record.timestamp for record in reversed(records) if _is_time(record.timestamp)), None)
    return None if milliseconds is None else milliseconds / 1000


def _is_time(milliseconds: int) -> bool:
    return 0 < milliseconds <= LATEST_TIME


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _sample(value: bytes) -> str:
    text, _ = clean_text(value[:SAMPLE_BYTES])
    return redact(text)[:SAMPLE_CHARS]
