"""What a file is at large: lines, one JSON document, CSV, or Kubernetes objects; and its entries one a line.

Most files are logs of one record a line. Exports of log stores are documents; `sniff` tells them by their beginning,
`split_document` gives their entries as lines that `parse_line` understands. Nothing here raises.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from typing import Final

from parsers.csv_documents import read_header, split_csv
from parsers.json_documents import split_json
from parsers.physical_lines import split_lines

SNIFF_BYTES: Final = 1 << 16
"""How much of a file's beginning the functions here want to see."""


class DocumentKind(enum.Enum):
    """How a file holds its entries."""

    LINES = "lines"
    JSON = "json"
    CSV = "csv"


_TOKEN: Final = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|[{}\[\]"]')
_ARRAY_START: Final = re.compile(rb"\[\s*+[\[{]")
_OBJECT_START: Final = re.compile(rb'\{\s*+"')
_LOKI_PAIR: Final = re.compile(rb'\[\s*"\d{16,19}"\s*,')
# An object on one line that holds many entries: the answer of a log store.
_HOLDS_ENTRIES: Final = re.compile(
    rb'"(?:events|logEvents|entries|hits|resourceLogs|result|values|streams|tables|logs|records|data|results|rows)"\s*:\s*'
    rb"(?:\{[^{}\[\]]{0,300})?\[\s*[\[{]"
)
_OWN_MESSAGE: Final = re.compile(rb'"(?:msg|message|log|textPayload)"\s*+:\s*+"')
_YAML_OBJECT: Final = re.compile(rb"(?m)\A(?:---[^\n]*\n|#[^\n]*\n|\s*\n)*(?:apiVersion|kind|items|metadata):[ \n]")
_YAML_KIND: Final = re.compile(rb"(?m)^(?:kind: [A-Z]\w+|items:)\s*$")
_MEMBER: Final = re.compile(rb'"(?P<name>apiVersion|kind|items)"\s*+:\s*+(?P<value>"[^"\n]{0,200}"|\[)')


def sniff(head: bytes) -> DocumentKind:
    """Tell from a file's beginning how it holds its entries."""
    text = head[:SNIFF_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"["):
        is_document = _ARRAY_START.match(text) and not _LOKI_PAIR.match(text)
        return DocumentKind.JSON if is_document else DocumentKind.LINES
    if text.startswith(b"{"):
        return _sniff_object(text)
    first, feed, _ = text.partition(b"\n")
    return DocumentKind.CSV if feed and read_header(first) else DocumentKind.LINES


def split_document(kind: DocumentKind, chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give each entry as one line without its line feed, with the number of its first physical line."""
    if kind is DocumentKind.JSON:
        return split_json(chunks)
    if kind is DocumentKind.CSV:
        return split_csv(chunks)
    return split_lines(chunks)


def is_kubernetes_object(head: bytes) -> bool:
    """Tell whether a file holds Kubernetes objects (`kubectl get -o json|yaml`) rather than a log."""
    text = head[:SNIFF_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"{"):
        return bool(_YAML_OBJECT.match(text) and b"apiVersion: " in text and _YAML_KIND.search(text))
    members = [_MEMBER.match(text, key.start()) for key in _outermost_strings(text)]
    found = {member["name"]: member["value"] for member in members if member}
    version = found.get(b"apiVersion", b"")
    # The API server's audit log is a log, although each line is an object with a kind.
    # The API server's audit log is a log, although each line is an object with a kind; and its answer to a request that
    # failed is a message.
    is_answer = found.get(b"kind") == b'"Status"'
    return bool(version) and len(found) > 1 and not is_answer and not version.startswith(b'"audit.k8s.io')


def _sniff_object(text: bytes) -> DocumentKind:
    """An object: a record of its own line, or a document that goes over lines or holds entries."""
    if not _OBJECT_START.match(text):
        return DocumentKind.LINES
    end = _end_of_value(text)
    line_end = text.find(b"\n")
    if end is not None and (line_end < 0 or end <= line_end):
        rest = text[end:].lstrip(b" \t\r\n,")
        if any(_OWN_MESSAGE.match(text, key.start()) for key in _outermost_strings(text)):
            return DocumentKind.LINES
        is_alone = not rest or _HOLDS_ENTRIES.search(rest[:4096]) is not None
        return DocumentKind.JSON if is_alone and _HOLDS_ENTRIES.search(text, 0, end) else DocumentKind.LINES
    if line_end < 0:
        return DocumentKind.JSON if _HOLDS_ENTRIES.search(text, 0, 8192) else DocumentKind.LINES
    # A record that was cut ends its line in the middle of a string or of a value; a printed document never does.
    first = text[:line_end].rstrip()
    is_printed = first.endswith((b"{", b"[", b",")) and first.count(b'"') % 2 == 0
    return DocumentKind.JSON if is_printed else DocumentKind.LINES


def _end_of_value(text: bytes) -> int | None:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return match.end()
        elif token == b'"':
            return None  # a string that does not end on its line
    return None


def _outermost_strings(text: bytes) -> Iterator[re.Match[bytes]]:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return
        elif depth == 1:
            yield match
