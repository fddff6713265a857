"""Durations and sizes: every way of writing them, and the words for those that are wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.quantities import (
    DURATION_PATTERN,
    LONGEST_SECONDS,
    SIZE_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
    quote,
)

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


SIZES = {
    "1": 1,
    "65536": 65_536,
    "4_194_304": 4_194_304,
    "64KiB": 65_536,
    "64 KiB": 65_536,
    "4MiB": 4_194_304,
    "1TiB": 1_099_511_627_776,
}


@pytest.mark.parametrize(("text", "expected"), SIZES.items(), ids=SIZES)
def test_reads_a_size(text: str, expected: int) -> None:
    """Bytes, or a whole number with a binary unit."""
    assert expected == parse_size(text)
    assert re.search(SIZE_PATTERN, text)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5GiB", "4MB", "4mib", "010", "1e6", "nan"])
def test_refuses_what_is_no_size(text: str) -> None:
    """The complaint shows the text, the reason and how it is written."""
    with pytest.raises(ConfigurationError) as caught:
        parse_size(text)
    expected = "expected a whole number of at least 1, in bytes or with KiB, MiB, GiB, TiB"
    assert f'invalid size "{text}": {expected}; write it like 64KiB or 4MiB' == str(caught.value)
    assert not re.search(SIZE_PATTERN, text)


@given(st.text())
def test_a_quoted_text_is_one_printable_line(text: str) -> None:
    """Whatever stands in a file, a message stays one line and steers no terminal."""
    assert quote(text).isprintable()


def _is_read(text: str) -> bool:
    try:
        return 0 <= parse_duration(text) <= LONGEST_SECONDS
    except ConfigurationError as error:
        return "longer than" in str(error)


WRITTEN = {0.0: "0s", 0.5: "500ms", 60.0: "1m", 90.0: "1m30s", 5400.0: "1h30m", 1_209_600.0: "14d", 0.0001: "0.0001"}


@pytest.mark.parametrize(("seconds", "written"), WRITTEN.items(), ids=WRITTEN.values())
def test_duration_is_written(seconds: float, written: str) -> None:
    """In the largest units that fit."""
    assert written == format_duration(seconds)


@given(st.integers(0, 10**10))
def test_duration_that_is_written_is_read_as_the_same(milliseconds: int) -> None:
    """To the millisecond."""
    assert milliseconds / 1000 == pytest.approx(parse_duration(format_duration(milliseconds / 1000)))


@given(st.integers(1, 10**12) | st.integers(1, 1023).map(lambda number: number << 30))
def test_size_that_is_written_is_read_as_the_same(size_bytes: int) -> None:
    """To the byte."""
    assert size_bytes == parse_size(format_size(size_bytes))
