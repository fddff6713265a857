"""Values to blocks of lines, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from parsers.records import Origin
from pipeline.errors import ConfigurationError
from pipeline.sources.kafka.clients import Partition
from pipeline.sources.kafka.origins import OriginFinder
from pipeline.sources.kafka.settings import KafkaOrigin
from pipeline.sources.kafka.values import Assembled, Assembler, newest_seconds
from pipeline.store.records import QuarantineReason
from tests.pipeline.sources.kafka.fake_clients import START, FakeRecord

PARTITION = Partition("logs.eu-1", 3)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
NOWHERE = KafkaOrigin()


def _assemble(records: Sequence[FakeRecord], settings: KafkaOrigin = NOWHERE, limit: int = 100) -> Assembled:
    assembler = Assembler("kafka", OriginFinder(settings, "kafka"), max_value_bytes=limit, now=lambda: NOW)
    return assembler.assemble(PARTITION, records)


def _records(*values: bytes | None, step: int = 0) -> list[FakeRecord]:
    return [FakeRecord(value, 40 + number, START + number * step) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "data", "numbers"),
    [
        ((b"a", b"b"), b"a\nb\n", [40, 41]),
        ((b"a\n", b"b\r\n"), b"a\nb\n", [40, 41]),
        ((b"a\nb", b"c"), b"a\nb\nc\n", [40, 40, 41]),
        ((b"a", b"", b"b"), b"a\nb\n", [40, 42]),
        ((b"a", None, b"b"), b"a\nb\n", [40, 42]),
        ((b"\n\n", b"a\n\nb\n\n"), b"a\n\nb\n", [41, 41, 41]),
        ((b"\0\xff", b"b"), b"\0\xff\nb\n", [40, 41]),
    ],
    ids=["plain", "line ends", "several lines", "empty", "tombstone", "blank lines", "no text"],
)
def test_every_line_has_the_offset_of_its_record(
    values: tuple[bytes | None, ...], data: bytes, numbers: list[int]
) -> None:
    """Also where a record holds several lines, or none."""
    (block,) = _assemble(_records(*values)).blocks

    assert data == block.data
    assert numbers == list(block.line_numbers or ())
    assert numbers[0] == block.first_line


def test_nothing_but_empty_values_is_no_block() -> None:
    """They are counted."""
    assembled = _assemble(_records(b"", None, b"\n"))

    assert ((), 2, 1) == (assembled.blocks, assembled.empty_count, assembled.tombstone_count)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"x" * 101, QuarantineReason.TOO_LARGE),
        (b"\x1f\x8b\x08\x00aaa", QuarantineReason.UNREADABLE),
        (b"\x28\xb5\x2f\xfdaaa", QuarantineReason.UNREADABLE),
    ],
    ids=["too large", "gzip", "zstd"],
)
def test_what_is_set_aside(value: bytes, reason: QuarantineReason) -> None:
    """With its size and hash; its neighbours go on."""
    assembled = _assemble(_records(b"a", value, b"b"))
    (quarantined,) = assembled.quarantined

    assert b"a\nb\n" == assembled.blocks[0].data
    assert ("logs.eu-1/3", 41, 41, reason, len(value)) == (
        quarantined.stream,
        quarantined.first,
        quarantined.last,
        quarantined.reason,
        quarantined.size_bytes,
    )
    assert 64 == len(quarantined.sha256)


def test_sample_of_what_is_set_aside_is_safe() -> None:
    """Short, printable, without secrets."""
    assembled = _assemble(_records(b"\x1b[31mAuthorization: Bearer abcdefgh.ijklmnop.qrstuvwx " + b"x" * 5000))
    sample = assembled.quarantined[0].sample

    assert "abcdefgh" not in sample
    assert "\x1b" not in sample
    assert len(sample) <= 400


def test_magic_bytes_within_a_line_are_text() -> None:
    """Only a value that begins with them is compressed."""
    (block,) = _assemble(_records(b"a \x1f\x8b\x08 b", b"c")).blocks

    assert b"a \x1f\x8b\x08 b\nc\n" == block.data


@pytest.mark.parametrize("settings", [KafkaOrigin(), KafkaOrigin(cluster_header="no")], ids=["joined", "one by one"])
def test_block_arrives_when_its_last_record_did(settings: KafkaOrigin) -> None:
    """The broker's time; one block does not span more than some seconds."""
    assembled = _assemble(_records(b"a", b"b", b"c", step=4000), settings)

    assert [START / 1000 + 4, START / 1000 + 8] == [
        block.received_at.timestamp() for block in assembled.blocks if block.received_at is not None
    ]


@pytest.mark.parametrize("timestamp", [-1, 0, 10**17], ids=["none", "zero", "beyond time"])
def test_records_without_time_arrive_now(timestamp: int) -> None:
    """A producer may write any number."""
    records = [FakeRecord(b"a", 1, timestamp)]

    assert NOW == _assemble(records).blocks[0].received_at
    assert newest_seconds(records) is None


ALL = KafkaOrigin(
    cluster="fixed",
    topic_pattern=r"logs\.(?P<cluster>.+)",
    key_pattern="(?P<namespace>[^/]+)/(?P<pod>[^/]+)(/(?P<cluster>.+))?",
    cluster_header="cluster",
    cluster_field="kubernetes.labels.cluster",
    pod_field="pod",
)


@pytest.mark.parametrize(
    ("settings", "record", "expected"),
    [
        (KafkaOrigin(), FakeRecord(b"a"), ("", "", "", "")),
        (KafkaOrigin(cluster="fixed"), FakeRecord(b"a"), ("fixed", "", "", "")),
        (ALL, FakeRecord(b"a"), ("eu-1", "", "", "")),
        (ALL, FakeRecord(b"a", key=b"ns/pod-0"), ("eu-1", "ns", "pod-0", "")),
        (ALL, FakeRecord(b"a", key=b"ns/pod-0/by-key"), ("by-key", "ns", "pod-0", "")),
        (ALL, FakeRecord(b"a", key=b"n/p/by-key", headers=[("cluster", b"by-header")]), ("by-header", "n", "p", "")),
        (
            ALL,
            FakeRecord(
                b'{"pod":"p1","kubernetes":{"labels":{"cluster":"by-field"}}}', headers=[("cluster", b"by-header")]
            ),
            ("by-field", "", "p1", ""),
        ),
        (ALL, FakeRecord(b'{"kubernetes":{"labels.cluster":"dotted"}}'), ("dotted", "", "", "")),
        (ALL, FakeRecord(b'{"kubernetes":7,"pod":["no"]}'), ("eu-1", "", "", "")),
        (ALL, FakeRecord(b'{"broken', headers=[("cluster", None)]), ("eu-1", "", "", "")),
        (ALL, FakeRecord(b"a", headers=[("cluster", b"\x1b[31mred\xff")]), ("red\ufffd", "", "", "")),
    ],
    ids=["nothing", "fixed", "topic", "key", "key first", "header", "field", "dotted", "other types", "broken", "odd"],
)
def test_origin(settings: KafkaOrigin, record: FakeRecord, expected: tuple[str, str, str, str]) -> None:
    """What is nearest to the line counts."""
    (block,) = _assemble([record], settings).blocks

    assert Origin("logs.eu-1/3", *expected) == block.origin


def test_one_block_an_origin() -> None:
    """Lines of two pods in one partition stay apart, each in its order."""
    records = [
        FakeRecord(b"a1", 1, key=b"n/a"),
        FakeRecord(b"b1", 2, key=b"n/b"),
        FakeRecord(b"a2", 3, key=b"n/a"),
    ]

    blocks = _assemble(records, ALL).blocks

    assert [("a", b"a1\na2\n", (1, 3)), ("b", b"b1\n", (2,))] == [
        (block.origin.pod, block.data, block.line_numbers) for block in blocks
    ]


@pytest.mark.parametrize("pattern", ["(", "logs", "(?P<colour>.+)"], ids=["broken", "no group", "unknown group"])
def test_pattern_that_cannot_be_used(pattern: str) -> None:
    """It is refused with the setting's name."""
    with pytest.raises(ConfigurationError, match=r"kafka kafka: origin\.key_pattern"):
        OriginFinder(KafkaOrigin(key_pattern=pattern), "kafka")


def test_pattern_that_never_ends_does_not_stop_the_stream() -> None:
    """It does not match."""
    finder = OriginFinder(KafkaOrigin(cluster="c", key_pattern=r"(?P<pod>(a|aa)+)$"), "kafka")

    assert "" == finder.of_record(PARTITION, FakeRecord(b"x", key=b"a" * 200 + b"b")).pod
