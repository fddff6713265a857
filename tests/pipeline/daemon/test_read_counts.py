"""What became of lines is counted once, although the end of a stream is decided upon later than it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from parsers.failures import FailureFinder
from parsers.records import Block, Origin
from pipeline.extract import StreamExtractor, scanner_for
from pipeline.readers import ReadCounts, StreamReaders
from pipeline.sources.live import Fetched
from tests.pipeline.daemon.running import logs_of
from tests.scenarios.scenarios import built_in_rules

READ_AT_ONCE = 10
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_lines_that_are_held_back_are_not_counted_twice() -> None:
    """With a commit between reading lines and deciding upon them, again and again."""
    ((_, lines),) = logs_of("emissary-refused")
    rules = built_in_rules()
    readers = StreamReaders(lambda: StreamExtractor(scanner_for(rules), FailureFinder(rules), read_at=NOW))
    committed: list[ReadCounts] = []
    for first in range(0, len(lines), READ_AT_ONCE):
        part = lines[first : first + READ_AT_ONCE]
        numbers = list(range(first, first + len(part)))
        block = Block(b"\n".join(part) + b"\n", Origin(source="logs/0"), line_numbers=numbers)
        list(readers.feed(Fetched("logs/0", (block,), first + len(part)), NOW))
        committed.append(readers.take_counts())
        list(readers.release_idle(NOW, timedelta(0)))
        committed.append(readers.take_counts())
    total = sum(one.skipped + one.candidates + one.unparsed for one in committed)
    assert len(lines) <= total <= len(lines) + READ_AT_ONCE


def test_how_far_a_log_was_read_is_known_after_a_restart() -> None:
    """Also where its last lines did not matter: what is not in them did not happen until then."""
    ((_, lines),) = logs_of("healthy-canary")
    rules = built_in_rules()
    readers = StreamReaders(lambda: StreamExtractor(scanner_for(rules), FailureFinder(rules), read_at=NOW))
    block = Block(b"\n".join(lines) + b"\n", Origin(source="logs/0"), line_numbers=range(len(lines)))
    list(readers.feed(Fetched("logs/0", (block,), len(lines)), NOW))
    list(readers.release_idle(NOW, timedelta(0)))
    (log,) = readers.watched()
    assert log.last_at is not None
    assert [log] == list(readers.begun_again().watched()) == list(readers.begun_again().begun_again().watched())
