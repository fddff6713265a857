"""Every encoding arrives as UTF-8 with plain line feeds."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.byte_stream import ByteStream
from pipeline.sources.encoding import to_utf8

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0\ufeff"), max_size=60)


def _decode(raw: bytes, size: int = 1000) -> bytes:
    chunks = [raw[start : start + size] for start in range(0, len(raw), size)]
    return b"".join(to_utf8(ByteStream(chunks)))


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
    ],
    ids=["UTF-16 LE", "UTF-16 BE", "UTF-8 with mark", "UTF-8"],
)
@given(text=TEXTS, size=st.integers(1, 9))
def test_text_is_the_same_for_any_size_of_chunk(mark: bytes, encoding: str, text: str, size: int) -> None:
    """Characters, surrogate pairs among them, may be cut by the end of a chunk."""
    assert text.encode() == _decode(mark + text.encode(encoding), size)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"a\r\nb\r\n", b"a\nb\n", id="CRLF"),
        pytest.param(b"a\rb\r", b"a\nb\n", id="CR alone, at the end too"),
        pytest.param(b"\r\n\r\n", b"\n\n", id="empty lines"),
        pytest.param(b"a\0b\n", b"a\0b\n", id="NUL in a line is kept"),
        pytest.param(b"\0\0\0\0a\n", b"a\n", id="hole of copytruncate is dropped"),
        pytest.param(b"\0\0\0", b"", id="nothing but a hole"),
        pytest.param(b"caf\xe9\n", b"caf\xe9\n", id="Latin-1 passes as it is"),
        pytest.param(codecs.BOM_UTF16_LE + b"a\0\x00\xd8b\0", "a\ufffdb".encode(), id="lone surrogate"),
        pytest.param(codecs.BOM_UTF16_LE + b"a\0b", "a\ufffd".encode(), id="half a character at the end"),
        pytest.param(codecs.BOM_UTF16_LE + "a\r\nb".encode("utf-16-le"), b"a\nb", id="PowerShell's lines"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_odd_bytes(raw: bytes, expected: bytes, size: int) -> None:
    """Line ends, holes and halves of characters come out the same for any size of chunk."""
    assert expected == _decode(raw, size)
