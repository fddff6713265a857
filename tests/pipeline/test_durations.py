"""Durations: every way of writing them, and the words for those that are wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.durations import DURATION_PATTERN, LONGEST_SECONDS, parse_duration, quote
from pipeline.errors import ConfigurationError

UNITS = "expected numbers with the units d, h, m, s, ms"

READ = {
    "0": 0.0,
    "60": 60.0,
    "2.5": 2.5,
    "30s": 30.0,
    "5m": 300.0,
    "1h30m": 5400.0,
    "14d": 1_209_600.0,
    "500ms": 0.5,
    "1.5h": 5400.0,
    "1d2h3m4s5ms": 93_784.005,
    "90m": 5400.0,
    " 30s ": 30.0,
    "36500d": LONGEST_SECONDS,
}
REFUSED = {
    "": UNITS,
    "5 parsecs": UNITS,
    "5 m": UNITS,
    "5M": UNITS,
    "30m1h": UNITS,
    "1h30": UNITS,
    "1m1m": UNITS,
    ".5s": UNITS,
    "1e3": UNITS,
    "nan": UNITS,
    "inf": UNITS,
    "+5s": UNITS,
    "٣s": UNITS,
    "--5s": UNITS,
    "-5s": "it is negative",
    "-0": "it is negative",
    "36501d": "it is longer than a hundred years",
    "999999999999999d": "it is longer than a hundred years",
}


@pytest.mark.parametrize(("text", "expected"), READ.items(), ids=READ)
def test_reads_a_duration(text: str, expected: float) -> None:
    """Numbers with units, largest first, or a bare number of seconds."""
    assert pytest.approx(expected) == parse_duration(text)


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=REFUSED)
def test_refuses_what_is_no_duration(text: str, why: str) -> None:
    """The complaint shows the text, the reason and how it is written."""
    with pytest.raises(ConfigurationError) as caught:
        parse_duration(text)
    assert f'invalid duration "{text}": {why}; write it like 30s, 5m, 1h30m or 14d' == str(caught.value)


@given(st.text(alphabet="0123456789.dhms -", max_size=12) | st.text(max_size=12))
def test_schema_and_parser_agree(text: str) -> None:
    """What the schema's pattern accepts is read, short of the limit; what it refuses is refused."""
    is_in_schema = re.search(DURATION_PATTERN, text.strip()) is not None and "\n" not in text.strip()
    assert is_in_schema == _is_read(text)


@given(st.text())
def test_a_quoted_text_is_one_printable_line(text: str) -> None:
    """Whatever stands in a file, a message stays one line and steers no terminal."""
    assert quote(text).isprintable()


def _is_read(text: str) -> bool:
    try:
        return 0 <= parse_duration(text) <= LONGEST_SECONDS
    except ConfigurationError as error:
        return "longer than" in str(error)
