"""Turns the log on: whystuck's own events, and what libraries have to complain about, in one form."""

from __future__ import annotations

import logging
from typing import TextIO

from pipeline.own_log.lines import LineFormatter
from pipeline.own_log.loggers import ROOT
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
