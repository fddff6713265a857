"""Records that a terminal, a mail program or a page broke at a width, wherever the break fell.

A record that begins with a known head (logfmt, JSON, klog) and whose quotation mark or brace is still open at the end
of its line goes on in the next one. It ends where the next record begins, or where a closed line was not full: the
first word of the next would have had room. All on raw bytes.
"""

from __future__ import annotations

import re

MOST_LINES = 40
LOOK_BACK_LINES = 16
_NEIGHBOURHOOD = 4_096
_LONGEST_LINE = 1 << 12
_HEAD = re.compile(
    rb"""[^=\n]{0,160}?\btime=\\*"?\d{4}-\d\d | [^"{\n]{0,120}\{\\*" | [^\n]{0,120}?\b[IWEF]\d{4}\ \d\d:\d\d:\d\d
    | (?:\x1b\[\d+m)?(?:INFO|WARN|ERRO|FATA|DEBU|PANI)(?:\x1b\[0m)?\[
    | \d{4}[-/]\d\d[-/]\d\d[T\ ]\d\d:\d\d | \[\d{4}-""",
    re.VERBOSE,
)


def lines_of_record(data: bytes, start: int, stop: int, done: int) -> tuple[int, int]:
    """Begin and end of the record that the line from `start` to `stop` belongs to; the same where it was not broken."""
    begin = _begin(data, start, stop, done)
    if begin is None or not _is_open(data[begin : _end_of_line(data, begin)]):
        return start, stop
    end = _end(data, begin)
    return (begin, end) if end >= stop else (start, stop)


def is_broken(data: bytes, start: int, stop: int, done: int) -> bool:
    """Whether the record of a line goes on behind the line that it begins with."""
    begin = _begin(data, start, stop, done)
    return begin is not None and _is_open(data[begin : _end_of_line(data, begin)])


def join(data: bytes, start: int, stop: int) -> bytes:
    """The record's lines as one: with nothing between them where they were broken in mid-word, else with a blank."""
    lines = data[start:stop].split(b"\n")
    if len(lines) == 1:
        return lines[0]
    if _is_broken_anywhere(data, start, stop, lines):
        return b"".join(lines)
    return b" ".join(line.strip() for line in lines)


def _begin(data: bytes, start: int, stop: int, done: int) -> int | None:
    """The line that begins the record, this one or one of those before it."""
    for _ in range(LOOK_BACK_LINES):
        line = data[start:stop]
        if len(line) > _LONGEST_LINE or not line.strip():
            return None
        if _HEAD.match(line):
            return start
        if start <= done or start == 0:
            return None
        start, stop = data.rfind(b"\n", 0, start - 1) + 1, start - 1
    return None


def _end(data: bytes, begin: int) -> int:
    stop = _end_of_line(data, begin)
    start, width = begin, stop - begin
    for _ in range(MOST_LINES):
        following = stop + 1
        if following >= len(data):
            return stop
        end = _end_of_line(data, following)
        line = data[following:end]
        if not line.strip() or len(line) > _LONGEST_LINE or _HEAD.match(line):
            return stop
        is_full = stop - start + 1 + len(line.split(None, 1)[0]) > width
        if not is_full and not _is_open(data[begin:stop]):
            return stop
        start, stop, width = following, end, max(width, end - following)
    return stop


def _is_open(record: bytes) -> bool:
    """Whether a quotation mark or the outermost brace is not closed yet, or a record of logfmt has no message yet."""
    if (record.count(b'"') - record.count(b'\\"')) % 2:
        return True
    if record.lstrip().startswith(b"{"):
        return not record.rstrip().endswith(b"}")
    return b"time=" in record and b" msg=" not in record and b"=" in record


def _is_broken_anywhere(data: bytes, start: int, stop: int, lines: list[bytes]) -> bool:
    """Whether the breaks fell at a width, not at blanks: all lines are as long as it, and none nearby is longer."""
    width = len(lines[0])
    if any(len(line) != width for line in lines[:-1]) or len(lines[-1]) > width:
        return False
    if len(lines) > 2:
        return True
    first = max(0, start - _NEIGHBOURHOOD)
    around = data[first : stop + _NEIGHBOURHOOD].split(b"\n")[1 if first else 0 : -1]
    is_widest = all(len(line) <= width for line in around)
    is_alone = len({line for line in around if len(line) == width}) < 2  # a repeated record proves nothing
    return is_widest and (not is_alone or lines[0].lstrip().startswith(b"{"))


def _end_of_line(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end
