"""Whatever bytes come in, the line readers neither raise nor hang, and what comes out is safe text."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.documents import DocumentKind, is_kubernetes_object, sniff, split_document
from parsers.parse import parse_line
from parsers.partial_lines import join_parts, partial_of
from parsers.records import LogRecord, Origin, SourceLine, Unparsed
from parsers.text import clean_text
from parsers.timestamps import find_time

HINT = datetime(2026, 4, 1, tzinfo=UTC)
ORIGIN = Origin("file")
PIECES = st.sampled_from(
    [
        *(b'{"level":"info","msg":"', b'time="2026-03-01T10:00:00Z" level=info msg="', b"E0301 10:00:00.1 1 a.go:1] "),
        *(
            b"INFO[0001] ",
            b'","namespace":"shop"}',
            b'" namespace=shop',
            b"2026-03-01T10:00:00Z stderr F ",
            b"[pod/a-b/c] ",
        ),
        *(
            b'{"log":"',
            b'\\n","stream":"stderr"}',
            b"\xe2\x94\x82 ",
            b'"',
            b"\\",
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"=",
            b" ",
        ),
        *(
            b"\n",
            b"\x00",
            b"\xff",
            b"\x1b[31m",
            b"\\ud800",
            b"&quot;",
            b"9999-12-31T23:59:59-05:00",
            b"9" * 5_000,
            b"err=<\n",
        ),
    ]
)
LINES = st.one_of(
    st.binary(max_size=300), st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=12).map(b"".join)
)
DOCUMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b" ", b"\\", b'"events":[', b'"data":{', b'"a"']
        ),
        st.sampled_from(
            [b'{"message":"a"}', b'["1772359200500000000","a"]', b"text", b'"values":[[', b"a,b\n", b'"x\ny"']
        ),
    ),
    max_size=40,
).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(LINES)
def test_any_bytes_give_a_record_or_a_reason(raw: bytes) -> None:
    """Every line is a record or unparsed, and holds no character that cannot be printed or encoded."""
    text, is_cut = clean_text(raw)
    parsed = parse_line(SourceLine(text, 1, 1, ORIGIN, HINT, is_cut))

    assert isinstance(parsed, LogRecord | Unparsed)
    texts = (
        [parsed.message, *parsed.fields, *parsed.fields.values()] if isinstance(parsed, LogRecord) else [parsed.text]
    )
    for part in texts:
        part.encode()
        assert "\x1b" not in part
        assert "\x00" not in part


@settings(max_examples=200, deadline=None)
@given(LINES)
def test_looks_at_raw_lines_never_raise(raw: bytes) -> None:
    """The quick looks that are taken before parsing take any bytes."""
    find_time(raw)
    partial_of(raw)
    join_parts([raw, raw])
    sniff(raw)
    is_kubernetes_object(raw)


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, st.integers(1, 30), st.sampled_from(DocumentKind))
def test_entries_do_not_depend_on_the_chunks(document: bytes, size: int, kind: DocumentKind) -> None:
    """A document gives the same entries wherever its chunks were cut."""
    chunks = [document[start : start + size] for start in range(0, len(document), size)]

    assert list(split_document(kind, [document])) == list(split_document(kind, chunks))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet='a"\\{}[],:\n', max_size=12), max_size=8))
def test_entries_of_a_valid_document_are_all_given(texts: list[str]) -> None:
    """No entry is lost or split, whatever its text holds."""
    import json

    document = json.dumps([{"message": text} for text in texts], indent=1).encode()

    assert texts == [json.loads(raw)["message"] for _, raw in split_document(DocumentKind.JSON, [document])]


HOSTILE = [
    pytest.param('{"a":' * 13_000, id="nested-objects"),
    pytest.param("[" * 65_536, id="brackets"),
    pytest.param('{"level":"info","msg":"x","n":' + "9" * 5_000 + "}", id="number"),
    pytest.param('time="9999-12-31T23:59:59-05:00" level=info msg=x', id="year-9999"),
    pytest.param('{"log":"\\ud800\\udfff\\ud800"}', id="surrogates"),
    pytest.param('msg="' * 13_000, id="open-values"),
    pytest.param('a="b ' * 13_000, id="odd-values"),
    pytest.param("a=b " * 16_000, id="fields"),
    pytest.param("INFO[0001] " + " a=b" * 16_000 + " (", id="terminal-fields"),
    pytest.param('E0301 10:00:00.1 1 a.go:1] "x" ' + "a=<\n" * 16_000, id="klog-blocks"),
    pytest.param("a-" * 32_000 + " b ", id="names"),
    pytest.param("\\x41" * 16_000, id="escapes"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_lines_end_soon(text: str) -> None:
    """No reader takes more than linear time: 64 KiB of the worst text cost well under a second of processor time.

    Not of the clock on the wall: other processes of a busy machine would fail the test.
    """
    started_seconds = time.process_time()
    parse_line(SourceLine(text, 1, 1, ORIGIN, HINT))

    assert time.process_time() - started_seconds < 1
