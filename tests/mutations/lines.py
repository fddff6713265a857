"""Mutations of the lines of a log: written in another format, folded, cut, lost, disordered, shifted in time."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from parsers.parse import parse_line
from parsers.records import Format, LogRecord, Origin, SourceLine

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_CLOCK = re.compile(r"(?<=[IWEF])\d{4} \d\d:\d\d:\d\d")


def folded(lines: Sequence[str], width: int, indent: str) -> list[str]:
    """Broken at blanks, what follows indented, as mail programs and people do."""
    return [part for line in lines for part in _fold(line, width, indent)]


def _fold(line: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False, drop_whitespace=True
    ) or [line]


def broken(lines: Sequence[str], width: int) -> list[str]:
    """Broken in mid-word, as a terminal does."""
    return [line[start : start + width] for line in lines for start in range(0, max(len(line), 1), width)]


def cut(lines: Sequence[str], most: int) -> list[str]:
    """What is beyond the limit of a shipper is lost."""
    return [line[:most] for line in lines]


def headless(lines: Sequence[str], count: int, random: Random) -> list[str]:
    """One line in five has lost its beginning."""
    return [line[count:] if random.random() < 0.2 else line for line in lines]


def thinned(lines: Sequence[str], share: float, random: Random) -> list[str]:
    """Some lines are lost."""
    return [line for line in lines if random.random() >= share]


def repeated(lines: Sequence[str], share: float, random: Random) -> list[str]:
    """Some lines came twice, as shippers deliver at least once."""
    return [one for line in lines for one in ((line, line) if random.random() < share else (line,))]


def disordered(lines: Sequence[str], window: int, random: Random) -> list[str]:
    """Lines lie up to `window` places off."""
    places = sorted((number + random.uniform(0, window), line) for number, line in enumerate(lines))
    return [line for _, line in places]


def shifted(lines: Sequence[str], hours: int) -> list[str]:
    """Every time in the log is another, by whole hours; klog has no year."""
    by = timedelta(hours=hours)
    return [
        _CLOCK.sub(lambda m: _clock_shifted(m[0], by), _TIME.sub(lambda m: _shifted(m[0], by), line)) for line in lines
    ]


def _shifted(text: str, by: timedelta) -> str:
    try:
        return (datetime.fromisoformat(text) + by).isoformat()
    except ValueError:
        return text


def _clock_shifted(text: str, by: timedelta) -> str:
    try:
        at = datetime.strptime(f"2025{text}", "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return text
    return f"{at + by:%m%d %H:%M:%S}"


def in_json(lines: Sequence[str]) -> list[str]:
    """Logfmt as logrus' JSON."""
    return [_as_json(record) if (record := _record(line, Format.LOGFMT)) else line for line in lines]


def in_logfmt(lines: Sequence[str]) -> list[str]:
    """Logrus' JSON as logfmt."""
    return [_as_logfmt(record) if (record := _record(line, Format.JSON)) else line for line in lines]


def _record(line: str, wanted: Format) -> LogRecord | None:
    text = line.encode("utf-8", "replace").decode()
    record = parse_line(SourceLine(text=text, line=1, line_end=1, origin=Origin(source="log")))
    return record if isinstance(record, LogRecord) and record.format is wanted and record.at else None


def _as_json(record: LogRecord) -> str:
    at = record.at.strftime("%Y-%m-%dT%H:%M:%SZ") if record.at else ""
    members = {**record.fields, "level": record.level.value, "msg": record.message, "time": at}
    return json.dumps(dict(sorted(members.items())), separators=(",", ":"))


def _as_logfmt(record: LogRecord) -> str:
    at = record.at.strftime("%Y-%m-%dT%H:%M:%SZ") if record.at else ""
    fields = "".join(f" {name}={_quoted(value)}" for name, value in sorted(record.fields.items()))
    return f'time="{at}" level={record.level.value} msg={_quoted(record.message)}{fields}'


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w./@^+-]+", value) else json.dumps(value)


def only(lines: Sequence[str], pattern: str) -> list[str]:
    """What somebody's grep has left."""
    wanted = re.compile(pattern)
    return [line for line in lines if wanted.search(line)]
