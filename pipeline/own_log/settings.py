"""What can be set of the own log."""

from __future__ import annotations

import enum

import msgspec


class LogFormat(enum.Enum):
    """How a line is written."""

    LOGFMT = "logfmt"
    JSON = "json"


class LogLevel(enum.Enum):
    """From which level on events are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The own log of the daemon."""

    format: LogFormat = LogFormat.LOGFMT
    """logfmt is read by people and by log stores alike."""
    level: LogLevel = LogLevel.INFO
    """Start, stop, connections, claims and every trouble; nothing for each line that is read."""
    repeat_seconds: float = 600.0
    """A trouble that repeats with the same text is written once in this time, with how often it came."""
