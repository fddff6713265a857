"""Turns the log on: whystuck's own events, and what libraries have to complain about, in one form."""

from __future__ import annotations

import logging
import threading
from typing import TextIO

from pipeline.own_log.lines import LineFormatter
from pipeline.own_log.loggers import ROOT, get_logger
from pipeline.own_log.repeats import RepeatFilter
from pipeline.own_log.settings import LogSettings


def set_up_log(settings: LogSettings, stream: TextIO) -> None:
    """Write the log to a stream from now on; called again, the new settings are in force.

    Of libraries (Kafka, SQL, HTTP server) warnings and worse are written, whatever the level: they say at every step
    what they do.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(settings.format))
    handler.addFilter(RepeatFilter(settings.repeat_seconds))
    level = logging.getLevelNamesMapping()[settings.level.value.upper()]
    logging.getLogger(ROOT).setLevel(level)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    """A thread that ends by an error is an event like any other: the standard library would print many lines."""
    name = ended.thread.name if ended.thread is not None else "unknown"
    fault = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    get_logger("thread").error("thread.failed", thread=name, error=str(ended.exc_value), exc_info=fault)
