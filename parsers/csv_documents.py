r"""CSV exports of logs, one row a record.

Sources: RFC 4180 (quoted cells, doubled quotation marks, line feeds inside cells) as Datadog (`Date,Host,…,Message`),
Splunk (`_time,_raw`), Kibana, Grafana (`Time,Line,…`), CloudWatch Logs Insights (`@timestamp,@message`) and Cloud
Logging (`timestamp,textPayload,…`) write it; comma, semicolon or tab part the cells.
A row comes out as one line of JSON with the header's names. A row with more cells than the header had unquoted commas
in its last cell. A quotation mark that is never closed costs one physical line, which is given raw. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from parsers.envelope_names import OBJECT_NAMES, TEXT_NAMES, Role, plain_name, role_of
from parsers.json_entries import row_line
from parsers.physical_lines import NumberedLine, split_lines

MAX_ROW_LINES: Final = 200

_DELIMITERS: Final = (",", ";", "\t")
_HEADER_NAME: Final = re.compile(r"[@_A-Za-z][\w @.\-/()]{0,80}")
_CELLS: Final = {
    delimiter: re.compile(
        rf'[ ]*+"((?:[^"]++|"")*+)"[^{delimiter}]*+(?:{delimiter}|$)|([^{delimiter}]*+)(?:{delimiter}|$)'
    )
    for delimiter in _DELIMITERS
}
_MOST_CELLS: Final = 500
_ALONE: Final = frozenset(("raw", "message", "log", "line"))


def read_header(line: bytes) -> tuple[str, ...] | None:
    """Read a first line as a CSV header that names a column for the log line; None where it is none."""
    text = line.decode("utf-8", "replace").lstrip("\ufeff").strip()
    delimiter = _delimiter_of(text)
    names = tuple(name.strip() for name in _split_cells(text, delimiter))
    if not names or not all(_HEADER_NAME.fullmatch(name) for name in names):
        return None
    plain = [plain_name(name) for name in names]
    if len(names) == 1:
        return names if plain[0] in _ALONE and (text.startswith('"') or "_" in text) else None
    has_line = any(name.rpartition(".")[2] in TEXT_NAMES or name in TEXT_NAMES for name in plain)
    has_more = any(role_of(name) is not Role.OTHER for name in names if plain_name(name) not in _ALONE | OBJECT_NAMES)
    return names if has_line and has_more else None


def split_csv(chunks: Iterable[bytes]) -> Iterator[NumberedLine]:
    """Give the rows of a CSV document, each with the number of its first physical line."""
    names: tuple[str, ...] | None = None
    delimiter = ","
    for number, row in _rows(chunks):
        text = row.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n")
        if names is None:
            names = read_header(row)
            delimiter = _delimiter_of(text)
            if names is None:
                names = ()
        elif not names or not text.strip():
            yield from [(number, _as_it_stands(row))] if text.strip() else []
        else:
            yield number, _row_line(names, text, delimiter) or _as_it_stands(row)


def _as_it_stands(row: bytes) -> bytes:
    """A row that cannot be read, in one line as every entry."""
    return row.rstrip().replace(b"\n", b" ")


def _row_line(names: tuple[str, ...], text: str, delimiter: str) -> bytes | None:
    cells = _split_cells(text, delimiter)
    if text.count('"') % 2 or len(cells) < 2 <= len(names):
        return None
    if len(cells) > len(names):
        cells = [*cells[: len(names) - 1], delimiter.join(cells[len(names) - 1 :])]
    return row_line(names, cells)


def _split_cells(text: str, delimiter: str) -> list[str]:
    cells: list[str] = []
    position = 0
    pattern = _CELLS[delimiter]
    while position <= len(text) and len(cells) < _MOST_CELLS:
        match = pattern.match(text, position)
        if match is None:
            break
        quoted, bare = match.groups()
        cells.append(bare if quoted is None else quoted.replace('""', '"'))
        if not match[0].endswith(delimiter):
            break
        position = match.end()
    return cells


def _rows(chunks: Iterable[bytes]) -> Iterator[NumberedLine]:
    """Join physical lines to rows: a row goes on while a quotation mark is open."""
    pending: list[NumberedLine] = []
    for line in split_lines(chunks):
        pending.append(line)
        yield from _take_rows(pending, is_last=False)
    yield from _take_rows(pending, is_last=True)


def _take_rows(pending: list[NumberedLine], *, is_last: bool) -> Iterator[NumberedLine]:
    while pending:
        count = _count_lines_of_row(pending)
        if count:
            yield pending[0][0], b"\n".join(raw for _, raw in pending[:count])
            del pending[:count]
        elif is_last or len(pending) > MAX_ROW_LINES:
            yield pending.pop(0)  # its quotation mark is never closed: the lines behind it are rows of their own
        else:
            return


def _count_lines_of_row(lines: list[NumberedLine]) -> int:
    """Count the lines of the first row; 0 while a quotation mark in it is open."""
    quotes = 0
    for count, (_, raw) in enumerate(lines, 1):
        quotes += raw.count(b'"')
        if quotes % 2 == 0:
            return count
    return 0


def _delimiter_of(header: str) -> str:
    return max(_DELIMITERS, key=header.count)
