"""What one format's reader makes of a text: a `Reading`, before origin and line numbers are added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from parsers.records import Format, Level

NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})
MAX_FIELDS = 256
"""Fields kept of one record; no writer has more, so that what follows is hostile or damaged."""

NIL = "<nil>"
"""How logrus text prints a missing value; JSON's null is given as the same text."""


class Reading(msgspec.Struct, frozen=True):
    """One record as its own text tells it."""

    message: str
    format: Format
    fields: Mapping[str, str] = NO_FIELDS
    level: Level = Level.UNKNOWN
    at: datetime | None = None
    is_zone_assumed: bool = False
    since_start_seconds: float | None = None
    is_cut: bool = False


_LEVEL_NAMES: Final = {
    Level.DEBUG: ("debug", "debu", "dbg", "trace", "trac", "trce", "verbose", "fine", "d", "t", "v", "7"),
    Level.INFO: ("info", "inf", "information", "informational", "notice", "note", "normal", "i", "n", "6", "5"),
    Level.WARNING: ("warning", "warn", "wrn", "w", "4"),
    Level.ERROR: ("error", "erro", "err", "eror", "e", "3"),
    Level.FATAL: (
        *("fatal", "fata", "ftl", "panic", "pani", "dpanic", "critical", "crit", "alert", "emergency", "emerg"),
        *("f", "c", "p", "2", "1", "0"),
    ),
}
_LEVELS: Final = {
    spelling: level
    for level, names in _LEVEL_NAMES.items()
    for name in names
    for spelling in (name, name.upper(), name.capitalize())
}
# slog and pino write numbers: slog's are -4, 0, 4, 8 (as text DEBUG and so on), pino's 10 to 60.
_PINO_LEVELS: Final = {
    "10": Level.DEBUG,
    "20": Level.DEBUG,
    "30": Level.INFO,
    "40": Level.WARNING,
    "50": Level.ERROR,
    "60": Level.FATAL,
}


def level_of(text: str) -> Level:
    """Tell the severity that a writer's word, letter or number means; UNKNOWN where it means none."""
    return _LEVELS.get(text) or _odd_level(text)


def _odd_level(text: str) -> Level:
    word = text.strip(" []").lower().partition("+")[0].partition(":")[0]  # slog's INFO+2
    return _LEVELS.get(word) or _PINO_LEVELS.get(word) or Level.UNKNOWN
