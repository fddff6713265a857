"""A record is handed on with the line that completes it, not when the stream falls silent."""

from __future__ import annotations

import pytest

from parsers.events import ControllerStarted, Event, ReplicasBlocked, SyncCompleted, SyncFailed
from parsers.records import Block, Origin
from pipeline.extract import StreamExtractor
from tests.property.raw_logs import READ_AT, cri, error, folded, noise, panic, passes, scanner, text_line
from tests.property.raw_logs import finder as failure_finder

BANNER = text_line(1, "Argo Rollouts starting", " version=v1.7.1")

IN_JSON = (
    b'{"level":"error","msg":"rollout syncHandler error: x509: certificate has expired","namespace":"shop",'
    b'"rollout":"web","time":"2026-03-01T12:00:02Z"}'
)


class Lines:
    """A stream to which lines are added."""

    def __init__(self) -> None:
        self._extractor = StreamExtractor(scanner(), failure_finder(), read_at=READ_AT)
        self._count = 0

    def add(self, *lines: bytes) -> list[type[Event]]:
        """The events that are known then."""
        numbers = tuple(range(self._count, self._count + len(lines)))
        self._count += len(lines)
        block = Block(b"\n".join(lines) + b"\n", Origin(), numbers[0], numbers, READ_AT)
        return [type(event) for event in self._extractor.feed(block)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (BANNER, ControllerStarted),
        (passes(2, "web"), SyncCompleted),
        (error(2, "web"), SyncFailed),
        (IN_JSON, SyncFailed),
        (b"2026-03-01T12:00:02.000000000Z stderr F " + error(2, "web"), SyncFailed),
    ],
    ids=["banner", "pass", "attempt", "json", "of a runtime"],
)
def test_record_of_one_line_is_known_at_once(line: bytes, kind: type[Event]) -> None:
    """Nothing has to follow it, and what follows tells it no second time."""
    lines = Lines()
    assert [kind] == lines.add(line)
    assert [[]] * 3 == [lines.add(noise(3)) for _ in range(3)]


def test_record_in_parts_is_known_with_its_last_part() -> None:
    """Unimportant lines behind it are not waited for."""
    *parts, last = cri(error(2, "web"), 2, size=80)
    lines = Lines()
    assert [[]] * len(parts) == [lines.add(part) for part in parts]
    assert [SyncFailed] == lines.add(last)


def test_line_with_two_literals_is_looked_at_for_both() -> None:
    """A status patch is of no interest by itself, but for what it says of pods that cannot be created."""
    condition = r"{\"message\":\"x509: certificate has expired\",\"reason\":\"FailedCreate\",\"status\":\"True\","
    message = rf"Patched: {{\"status\":{{\"conditions\":[{condition}\"type\":\"ReplicaFailure\"}}]}}}}"
    lines = Lines()
    assert [ReplicasBlocked] == lines.add(text_line(2, message, " namespace=shop rollout=web"))
    assert [] == lines.add(noise(3))


@pytest.mark.parametrize("record", [panic(2), folded(2, "web")], ids=["stack", "folded"])
def test_what_comes_behind_an_open_record_waits_with_it(record: list[bytes]) -> None:
    """Its end shows only when enough lines have come, and order is kept."""
    lines = Lines()
    assert [] == lines.add(record[0])
    assert [] == lines.add(*record[1:], error(3, "api"))
    assert SyncFailed in lines.add(*[noise(4)] * 120)
