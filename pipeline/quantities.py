"""Durations and sizes as people write them.

A duration is `30s`, `5m`, `1h30m`, `14d`, `500ms`, or a bare number of seconds; a size is `64KiB`, `4MiB`, or a bare
number of bytes.
"""

from __future__ import annotations

import re

from pipeline.errors import ConfigurationError

LONGEST_SECONDS = 36_500 * 86_400.0
"""A hundred years: longer ones are typing errors, and would not fit where times are added up."""

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}  # largest first: the order they are written in
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_BARE = re.compile(_NUMBER)
_WITH_UNITS = re.compile("(?!$)" + "".join(rf"(?:(?P<{unit}>{_NUMBER}){unit})?" for unit in _UNITS))

DURATION_PATTERN = rf"^(?:{_NUMBER}|(?=.)" + "".join(rf"(?:{_NUMBER}{unit})?" for unit in _UNITS) + ")$"
"""The same as a regular expression that JSON Schema can hold."""

_SIZE_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"([1-9][0-9_]{0,14}) ?(|KiB|MiB|GiB|TiB)")

SIZE_PATTERN = f"^{_SIZE.pattern}$"
"""The same as a regular expression that JSON Schema can hold."""

_SHOWN_CHARS = 60


def parse_duration(text: str) -> float:
    """Seconds of a duration.

    Raises:
        ConfigurationError: The text is not a duration, is negative, or is longer than a hundred years.
    """
    written = text.strip()
    seconds = _seconds(written)
    if seconds is None:
        is_negative = written.startswith("-") and _seconds(written[1:]) is not None
        raise _invalid(text, "it is negative" if is_negative else "expected numbers with the units d, h, m, s, ms")
    if seconds > LONGEST_SECONDS:
        raise _invalid(text, "it is longer than a hundred years")
    return seconds


def parse_size(text: str) -> int:
    """Bytes of a size, at least 1.

    Raises:
        ConfigurationError: The text is not a size.
    """
    if size := _SIZE.fullmatch(text.strip()):
        return int(size[1].replace("_", "")) * _SIZE_UNITS[size[2]]
    expected = "expected a whole number of at least 1, in bytes or with KiB, MiB, GiB, TiB"
    raise ConfigurationError(f"invalid size {quote(text)}: {expected}; write it like 64KiB or 4MiB")


def format_duration(seconds: float) -> str:
    """A duration as people write it, which `parse_duration` reads as the same."""
    milliseconds = round(seconds * 1000)
    if abs(milliseconds / 1000 - seconds) > 1e-9:
        return f"{seconds:.9f}".rstrip("0")
    parts = []
    for unit, unit_seconds in _UNITS.items():
        count, milliseconds = divmod(milliseconds, round(unit_seconds * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def format_size(size_bytes: int) -> str:
    """A size as people write it, which `parse_size` reads as the same."""
    unit, unit_bytes = max(
        ((unit, each) for unit, each in _SIZE_UNITS.items() if size_bytes % each == 0), key=lambda pair: pair[1]
    )
    return f"{size_bytes // unit_bytes}{unit}"


def quote(text: str) -> str:
    """The text on one line, in double quotes, printable, cut where it is long: foreign text for a message."""
    shown = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
    return '"' + "".join(_escape(character) for character in shown) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _seconds(written: str) -> float | None:
    if _BARE.fullmatch(written):
        return float(written)
    if parts := _WITH_UNITS.fullmatch(written):
        return sum(float(number) * _UNITS[unit] for unit, number in parts.groupdict().items() if number is not None)
    return None


def _invalid(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"invalid duration {quote(text)}: {why}; write it like 30s, 5m, 1h30m or 14d")
