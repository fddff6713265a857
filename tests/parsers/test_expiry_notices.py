"""A certificate's end in a component's log is a failure where the record is later, and the certificate stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.events import FailureSeen
from parsers.failures import FailureFinder
from parsers.parse import parse_line
from parsers.records import LogRecord, Origin, SourceLine
from parsers.rules.loader import load_rules
from parsers.stream import StreamReader

FINDER = FailureFinder(load_rules())
NOW = datetime(2031, 3, 1, tzinfo=UTC)

NOTICES: dict[str, tuple[str, str | None]] = {
    "zap": (
        '2031-02-03T04:05:06.869Z\tINFO\tca-cert-mgr\tca is expiring soon\t{"notAfter": "2031-02-01T06:41:50Z"}',
        "2031-02-01T06:41:50Z",
    ),
    "logfmt": (
        'time="2031-02-03T04:05:06Z" level=debug msg="serving" notAfter="2031-02-01T06:41:50+02:00"',
        "2031-02-01T04:41:50Z",
    ),
    "json": (
        '{"level":"info","ts":"2031-02-03T04:05:06Z","msg":"read certificate","expiresAt":"2031-02-01 06:41:50 UTC"}',
        "2031-02-01T06:41:50Z",
    ),
    "klog": (
        'I0203 04:05:06.123456       1 main.go:7] "Serving certificate" not_after="2031-02-01 06:41:50 +0000 UTC"',
        "2031-02-01T06:41:50Z",
    ),
    "words": ("2031/02/03 04:05:06 the certificate expired on 2031-02-01", "2031-02-01"),
    "an end to come": ('time="2031-02-03T04:05:06Z" level=info msg="serving" notAfter="2031-02-04T00:00:00Z"', None),
    "a day that is not over": ('time="2031-02-03T04:05:06Z" level=info msg="certificate expired on 2031-02-03"', None),
    "one of two to come": (
        'time="2031-02-03T04:05:06Z" msg="old NotAfter: 2031-02-01T00:00:00Z, notAfter=2032-02-01T00:00:00Z"',
        None,
    ),
    "a renewal": (
        'time="2031-02-03T04:05:06Z" level=warning msg="renewing: cert expired at 2031-02-01T00:00:00Z"',
        None,
    ),
    "a renewal that fails": (
        'time="2031-02-03T04:05:06Z" level=error msg="failed to renew: cert expired at 2031-02-01T00:00:00Z"',
        "2031-02-01T00:00:00Z",
    ),
    "no certificate": ('time="2031-02-03T04:05:06Z" level=error msg="session expired at 2031-02-01T00:00:00Z"', None),
    "no time of its own": ("the certificate expired on 2031-02-01", None),
    "no time of the certificate": ('time="2031-02-03T04:05:06Z" level=info msg=x notAfter="soon"', None),
    "a time that does not exist": (
        'time="2031-02-03T04:05:06Z" level=info msg=x notAfter="2031-02-31T00:00:00Z"',
        None,
    ),
}


@pytest.mark.parametrize(("line", "not_after"), NOTICES.values(), ids=NOTICES)
def test_end_that_a_record_tells(line: str, not_after: str | None) -> None:
    """None where it is no failure."""
    record = parse_line(SourceLine(line, 1, 1, Origin(source="x")), year_hint=NOW)
    assert isinstance(record, LogRecord)
    failure = FINDER.find_in_record(record)
    assert not_after == (failure.certificate.not_after if failure and failure.certificate else None)
    assert failure is None or ("tls.expired", "tls.expired-notice") == (failure.failure_class, failure.rule)


def _line(clock: str, *, level: str = "info", end: str = "2031-02-01T00:00:00Z") -> str:
    return f'time="2031-02-03T{clock}Z" level={level} msg="certificate ends" notAfter="{end}"'


LASTING: dict[str, tuple[list[str], int]] = {
    "once": ([_line("04:00:00")], 0),
    "twice": ([_line("04:00:00"), _line("04:00:25")], 1),
    "by two pods at once": ([_line("04:00:00"), _line("04:00:01")], 0),
    "of two certificates": ([_line("04:00:00"), _line("04:00:25", end="2031-02-02T00:00:00Z")], 0),
    "once, as an error": ([_line("04:00:00", level="error")], 1),
    "three times": ([_line("04:00:00"), _line("04:00:25"), _line("04:00:50")], 2),
}


@pytest.mark.parametrize(("lines", "count"), LASTING.values(), ids=LASTING)
def test_calm_note_counts_when_it_is_repeated(lines: list[str], count: int) -> None:
    """What is said once only may be the first line of a renewal."""
    reader = StreamReader(FINDER, fallback_at=NOW)
    sources = [SourceLine(line, number, number, Origin(source="x")) for number, line in enumerate(lines, 1)]
    events = [event for source in sources for event in reader.read(source)]
    assert ["notice"] * count == [event.carrier for event in events if isinstance(event, FailureSeen)]
