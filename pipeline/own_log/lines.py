"""A record of the log as one line: logfmt or JSON, in UTC, safe to print, without secrets."""

from __future__ import annotations

import enum
import logging
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from structlog.processors import JSONRenderer, LogfmtRenderer

from parsers.text import scrub
from pipeline.own_log.loggers import event_of, fields_of
from pipeline.own_log.settings import LogFormat
from pipeline.secret import HIDDEN, hide_secrets, is_secret_name

MAX_TEXT_CHARS = 8_192
"""Of one field: a line stays below what log stores take."""

_RENDERERS: dict[LogFormat, LogfmtRenderer | JSONRenderer] = {
    LogFormat.LOGFMT: LogfmtRenderer(bool_as_flag=False),
    LogFormat.JSON: JSONRenderer(ensure_ascii=False),
}


class LineFormatter(logging.Formatter):
    """Writes `at level logger event`, then the fields in their order."""

    def __init__(self, chosen: LogFormat) -> None:
        super().__init__()
        self._render = _RENDERERS[chosen]

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event_of(record),
        }
        for name, value in fields_of(record).items():
            line[f"{name}_" if name in line else name] = _safe_field(name, value)
        if repeated := getattr(record, "repeated_count", 0):
            line["repeated"] = repeated
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = _safe("".join(traceback.format_exception(*record.exc_info)))
        return str(self._render(logging.root, "", line))


def _safe_field(name: str, value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    is_answer = value is None or isinstance(value, bool)  # whether there is one is no secret
    return HIDDEN if is_secret_name(name) and not is_answer else _safe(value)


def _safe(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    match value:
        case None | bool() | int() | float():
            return value
        case enum.Enum():
            return _safe(value.value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(name): _safe_field(str(name), each) for name, each in value.items()}
        case str():
            text = scrub(hide_secrets(value))
            return text if len(text) <= MAX_TEXT_CHARS else f"{text[:MAX_TEXT_CHARS]}…"
        case Sequence() | set() | frozenset():
            return [_safe(each) for each in value]
    return _safe(str(value))
