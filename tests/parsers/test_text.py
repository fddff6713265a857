"""Text is made safe once, where it enters."""

from __future__ import annotations

import pytest

from parsers.records import MAX_TEXT_CHARS
from parsers.text import clean_text

CASES = [
    pytest.param(b"plain text", "plain text", id="plain"),
    pytest.param("größer │ 月".encode(), "größer │ 月", id="other-alphabets-stay"),
    pytest.param(b"a\tb\nc", "a\tb\nc", id="tab-and-line-feed-stay"),
    pytest.param(b"ends\r\n", "ends\n", id="carriage-return-at-the-end"),
    pytest.param(b"10%\r20%", "10% 20%", id="carriage-return-of-a-progress-bar"),
    pytest.param(b"bad \xff byte", "bad \ufffd byte", id="not-utf8"),
    pytest.param(b"nul\x00 bell\x07", "nul bell", id="control-characters"),
    pytest.param(b"\xef\xbb\xbftime=", "time=", id="byte-order-mark"),
    pytest.param(b"\x1b[36mINFO\x1b[0m[0001] text", "INFO[0001] text", id="colours"),
    pytest.param(b"\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x07!", "link!", id="hyperlink"),
    pytest.param(
        b"\x1b]0;title without an end and text", "0;title without an end and text", id="open-osc-hides-nothing"
    ),
    pytest.param("safe\u202egnp.exe".encode(), "safe\ufffdgnp.exe", id="direction-mark"),
    pytest.param("\ud800 lone", "\ufffd lone", id="lone-surrogate"),
    pytest.param("c1 \x9b31mred\x9b0m", "c1 red", id="eight-bit-csi"),
]


@pytest.mark.parametrize(("raw", "expected"), CASES)
def test_text_is_safe_to_print(raw: bytes | str, expected: str) -> None:
    """What could steer a terminal or break an encoder is gone, everything else stays."""
    assert (expected, False) == clean_text(raw)


@pytest.mark.parametrize(
    "raw", [b"x" * 300_000, "x" * 300_000, b"\x00" * 2_000_000 + b"x"], ids=["bytes", "text", "nul"]
)
def test_long_text_is_cut_and_says_so(raw: bytes | str) -> None:
    """A text beyond the limit is cut to it, and the cut is told."""
    text, is_cut = clean_text(raw)

    assert is_cut
    assert len(text) <= MAX_TEXT_CHARS
