r"""Exports that are one JSON document, or several behind each other, taken apart into one entry a line.

Sources: Cloud Logging (`[{…}, …]`), CloudWatch (`{"events":[…]}`, subscriptions' `logEvents`, Insights' `results`),
Loki's query_range (`data.result[].values`: pairs of nanoseconds and line), Elasticsearch (`hits.hits`), Datadog
(`data`), Azure (`tables[].rows`), OTLP (`resourceLogs[].scopeLogs[].logRecords`), `jq .` (objects over many lines).
An entry is what an array of a known name, or the outermost array, holds, or an outermost object without such an array.
What stands before the array and says where its entries come from is added to each of them.
Memory is bounded: an entry of more than `MAX_ENTRY_BYTES` is given cut. A broken document gives the entries that can be
told apart, and the rest as the raw lines it consists of. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from parsers.json_entries import NO_SURROUNDINGS, entry_line, read_surroundings
from parsers.physical_lines import MAX_ENTRY_BYTES, NumberedLine

_TOKEN: Final = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|[{}\[\]"]')
_KEY: Final = re.compile(rb"\s*+:\s*+")
_OWN_MESSAGE: Final = re.compile(rb'"(?:msg|message|log|textPayload)"\s*+:\s*+"')
# At the outermost level: what opens a value, and what is a line of something else.
_OUTERMOST: Final = re.compile(rb'[\s,]*+(?:(?P<value>\{(?=\s*+["}])|\[(?=\s*+[\[{"\]]))|(?P<other>[^\n]++))')
_ENTRY_ARRAYS: Final = frozenset(
    (
        *(
            b"events",
            b"logEvents",
            b"entries",
            b"hits",
            b"items",
            b"logs",
            b"records",
            b"results",
            b"result",
            b"values",
        ),
        *(b"resourceLogs", b"scopeLogs", b"logRecords", b"rows", b"Rows", b"lines", b"messages", b"streams", b"tables"),
        *(b"data", b"Tables", b"value"),
    )
)
_ON_THE_WAY: Final = frozenset((b"data", b"hits", b"response", b"rawResponse", b"searchResult"))
_DEEPEST: Final = 1_000


class _Bracket:
    """An open bracket. Offsets count from the beginning of the document."""

    __slots__ = ("around", "is_entry_array", "is_object", "is_on_the_way", "key_at", "start")

    def __init__(self, start: int, key_at: int, *, is_object: bool, is_on_the_way: bool, is_entry_array: bool) -> None:
        self.start = start
        self.key_at = key_at  # where its name stands; its own start where it has none
        self.is_object = is_object
        self.is_on_the_way = is_on_the_way  # an object whose arrays may hold the entries, or such an array
        self.is_entry_array = is_entry_array
        self.around = NO_SURROUNDINGS


def split_json(chunks: Iterable[bytes]) -> Iterator[NumberedLine]:
    """Give the entries of a JSON document, each with the number of its first physical line."""
    splitter = _Splitter()
    for chunk in chunks:
        yield from splitter.feed(chunk, is_last=False)
    yield from splitter.feed(b"", is_last=True)


class _Splitter:
    """Where the scan stands between two chunks."""

    def __init__(self) -> None:
        self._buffer = b""
        self._base = 0  # offset of the buffer's first byte in the document
        self._position = 0  # offset of the first byte that was not looked at
        self._counted = (0, 1)  # an offset, and the number of the line it stands in
        self._open: list[_Bracket] = []
        self._entry: tuple[int, int, int] | None = None  # depth, start and line of the entry being read
        self._is_dropped = False  # the entry being read was too large and has been given
        self._string = (-1, -1)  # the last string, which may be the name of what follows

    def feed(self, chunk: bytes, *, is_last: bool) -> Iterator[NumberedLine]:
        self._buffer += chunk
        while True:
            before = self._position
            yield from self._scan_inside(is_last=is_last) if self._open else self._scan_outermost(is_last=is_last)
            if self._position == before:
                break
        if is_last:
            yield from self._give_up(self._base + len(self._buffer))
        elif self._entry and self._base + len(self._buffer) - self._entry[1] > MAX_ENTRY_BYTES:
            yield from self._cut()
        self._forget()

    def _scan_outermost(self, *, is_last: bool) -> Iterator[NumberedLine]:
        match = _OUTERMOST.match(self._buffer, self._position - self._base)
        if match is None or (match.end() + 1 >= len(self._buffer) and not is_last):
            return
        group = match.lastgroup
        if not is_last and not self._buffer[match.start(group or 0) + 1 :].strip():
            return  # what the bracket opens is not known yet
        start = self._base + match.start(group) if group else self._position
        if group == "other":
            if match.end() == len(self._buffer) and not is_last and len(match[0]) <= MAX_ENTRY_BYTES:
                return  # the line may go on
            yield self._line_of(start), match["other"].rstrip()[:MAX_ENTRY_BYTES]
            self._position = self._base + match.end()
        elif group == "value":
            self._push(start, is_object=match["value"] == b"{")
            self._position = start + 1

    def _scan_inside(self, *, is_last: bool) -> Iterator[NumberedLine]:
        for match in _TOKEN.finditer(self._buffer, self._position - self._base):
            start, token = self._base + match.start(), match[0]
            if token == b'"' and not is_last and self._buffer.find(b"\n", match.end()) < 0:
                if self._entry:
                    self._position = start
                return  # the string may go on
            if self._entry is None:
                yield from self._between_entries(start)
            self._position = self._base + match.end()
            if token in (b"{", b"["):
                yield from self._push_checked(start, is_object=token == b"{")
            elif token in (b"}", b"]"):
                yield from self._close(start, is_object=token == b"}")
            else:
                yield from self._note_string(start, token)
            if not self._open:
                return
        end = self._base + len(self._buffer)
        if self._entry is None and (is_last or end - self._position > MAX_ENTRY_BYTES):
            yield from self._between_entries(end)
        if self._entry or is_last:
            self._position = end

    def _between_entries(self, stop: int) -> Iterator[NumberedLine]:
        """Give text that stands where only entries should: the document is broken there."""
        if self._open[-1].is_entry_array:
            line = self._line_of(self._position)
            for number, raw in enumerate(self._slice(self._position, stop).split(b"\n"), line):
                if raw.strip(b" \t\r,"):
                    yield number, raw.strip(b" \t\r,")[:MAX_ENTRY_BYTES]
        self._position = stop

    def _note_string(self, start: int, token: bytes) -> Iterator[NumberedLine]:
        self._string = (start, self._position)
        if self._entry is None and len(token) > 1 and self._open[-1].is_entry_array:
            yield self._line_of(start), token

    def _push_checked(self, start: int, *, is_object: bool) -> Iterator[NumberedLine]:
        # An object without a name directly in an object: a bracket was lost, a new value begins here.
        lost = self._open[-1].is_object and self._key_before(start) is None
        if lost or len(self._open) > _DEEPEST:
            yield from self._give_up(start)
        self._push(start, is_object=is_object)

    def _push(self, start: int, *, is_object: bool) -> None:
        parent = self._open[-1] if self._open else None
        key = self._key_before(start) if parent and parent.is_object else None
        name = b"" if key is None else self._slice(key[0] + 1, key[1] - 1)
        if parent is not None and not parent.is_object and parent.is_on_the_way and not parent.is_entry_array:
            self._make_entry_array(parent)
        is_element = parent is None or parent.is_entry_array
        is_on_the_way = is_element if is_object else parent is None
        if parent is not None and parent.is_object and parent.is_on_the_way:
            is_on_the_way = name in (_ON_THE_WAY if is_object else _ENTRY_ARRAYS)
        is_outermost_array = parent is None and not is_object
        bracket = _Bracket(
            start,
            start if key is None else key[0],
            is_object=is_object,
            is_on_the_way=is_on_the_way,
            is_entry_array=is_outermost_array,
        )
        if parent is not None:
            bracket.around = parent.around
        self._open.append(bracket)
        if is_element and not is_outermost_array and self._entry is None:
            self._entry = (len(self._open), start, self._line_of(start))

    def _make_entry_array(self, array: _Bracket) -> None:
        """The innermost array turns out to hold the entries: what is around it was no entry.

        An object with a message of its own stays an entry, whatever arrays it holds.
        """
        if self._entry and _OWN_MESSAGE.search(self._slice(self._entry[1], array.key_at)):
            array.is_on_the_way = False
            return
        first = self._entry[0] - 1 if self._entry else 0
        for index in range(first, len(self._open) - 1):
            outer, inner = self._open[index], self._open[index + 1]
            if outer.is_object and not self._is_dropped:
                inner.around = read_surroundings(self._slice(outer.start, inner.key_at), outer.around)
            else:
                inner.around = outer.around
        array.is_entry_array = True
        self._entry = None
        self._is_dropped = False

    def _close(self, start: int, *, is_object: bool) -> Iterator[NumberedLine]:
        if self._open[-1].is_object != is_object:
            yield from self._give_up(start + 1)
            return
        bracket = self._open.pop()
        if self._entry is None or self._entry[0] != len(self._open) + 1:
            return
        if not self._is_dropped:
            raw = self._slice(self._entry[1], start + 1)
            whole = len(raw) <= MAX_ENTRY_BYTES
            yield self._entry[2], entry_line(raw, bracket.around) if whole else _cut_line(raw)
        self._entry = None
        self._is_dropped = False

    def _give_up(self, stop: int) -> Iterator[NumberedLine]:
        """Give what was taken for an entry as raw lines, up to an offset, and go on outside of it."""
        if self._entry is None:
            self._open.clear()
            return
        depth, start, line = self._entry
        if not self._is_dropped:
            for number, raw in enumerate(self._slice(start, stop).split(b"\n"), line):
                if raw.strip():
                    yield number, raw.strip()
        del self._open[depth - 1 :]
        self._entry = None
        self._is_dropped = False

    def _cut(self) -> Iterator[NumberedLine]:
        if self._entry and not self._is_dropped:
            start, line = self._entry[1:]
            yield line, _cut_line(self._slice(start, start + MAX_ENTRY_BYTES))
            self._is_dropped = True
        if len(self._buffer) > 2 * MAX_ENTRY_BYTES:
            self._position = self._base + len(self._buffer)  # one string of megabytes: its end is not looked for

    def _forget(self) -> None:
        """Drop the bytes that nothing refers to any more."""
        keep = self._position
        if self._entry and not self._is_dropped:
            keep = self._entry[1]
        elif self._string[0] >= self._base:
            keep = min(keep, self._string[0])
        self._line_of(keep)
        self._buffer = self._buffer[keep - self._base :]
        self._base = keep

    def _key_before(self, start: int) -> tuple[int, int] | None:
        begin, end = self._string
        if begin < self._base or not _KEY.fullmatch(self._buffer, end - self._base, start - self._base):
            return None
        return begin, end

    def _slice(self, start: int, stop: int) -> bytes:
        return self._buffer[max(0, start - self._base) : stop - self._base]

    def _line_of(self, offset: int) -> int:
        known, line = self._counted
        if offset > known:
            line += self._buffer.count(b"\n", known - self._base, offset - self._base)
            self._counted = (offset, line)
        return line


def _cut_line(raw: bytes) -> bytes:
    return raw[:MAX_ENTRY_BYTES].replace(b"\n", b" ")
