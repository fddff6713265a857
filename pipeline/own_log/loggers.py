"""Loggers of whystuck's own modules: `get_logger("kafka").warning("source.disconnected", source="raw", error="…")`.

An event has a name, `subject.what_happened`, and fields; it holds no sentence that somebody would have to parse.
Trouble is in the field `error`. Where the log was not set up (commands other than the daemon) only names of warnings
are written.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

ROOT = "whystuck"
_FIELDS = "whystuck_fields"


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a part of whystuck."""
    logger = structlog.wrap_logger(
        logging.getLogger(f"{ROOT}.{name}"), processors=[_to_record], wrapper_class=structlog.stdlib.BoundLogger
    )
    return cast("FilteringBoundLogger", logger)


def fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """The fields of an event; what another library logs has its sentence in the field `message`."""
    fields: Mapping[str, Any] | None = getattr(record, _FIELDS, None)
    return {"message": record.getMessage()} if fields is None else fields


def event_of(record: logging.LogRecord) -> str:
    """The name of the event."""
    return str(record.msg) if hasattr(record, _FIELDS) else "library.message"


def _to_record(_logger: WrappedLogger, _method: str, event: EventDict) -> tuple[tuple[str], dict[str, Any]]:
    """The arguments for the standard library's logger, which all libraries share."""
    exc_info = event.pop("exc_info", None)
    return (event.pop("event"),), {"exc_info": exc_info, "extra": {_FIELDS: dict(event)}}
