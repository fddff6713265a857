"""A trouble that repeats is told when its text changes; between, it is counted, and told once in a while.

Two troubles are the same when logger, event, subject (the fields that are words) and text are the same; numbers in the
text do not count. As soon as the same logger says something good of the same subject, a repetition is news again.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.own_log.loggers import event_of, fields_of

MAX_REMEMBERED = 1_000
"""Troubles that are remembered at a time; of more, the oldest is forgotten and would be told again."""

_TEXTS = frozenset({"error", "message"})
_NUMBER = re.compile(r"\d+")


class _Trouble(msgspec.Struct, frozen=True):
    subject: tuple[object, ...]
    what: tuple[str, ...]


class _Told(msgspec.Struct):
    at_seconds: float
    repeated_count: int = 0


class RepeatFilter(logging.Filter):
    """Stands at a handler: lets a record through or not, and says on it how often it was held back before."""

    def __init__(self, repeat_seconds: float) -> None:
        super().__init__()
        self._repeat_seconds = repeat_seconds
        self._told: OrderedDict[_Trouble, _Told] = OrderedDict()
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        with self._lock:
            if record.levelno < logging.WARNING:
                record.repeated_count = self._forget(_subject_of(record))
                return True
            return self._is_news(record)

    def _is_news(self, record: logging.LogRecord) -> bool:
        trouble = _Trouble(_subject_of(record), _what_of(record))
        told = self._told.get(trouble)
        if told is not None and record.created - told.at_seconds < self._repeat_seconds:
            told.repeated_count += 1
            return False
        record.repeated_count = told.repeated_count if told is not None else 0
        self._told[trouble] = _Told(record.created)
        self._told.move_to_end(trouble)
        if len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)
        return True

    def _forget(self, subject: tuple[object, ...]) -> int:
        """How many repetitions of this subject's troubles were never told."""
        over = [trouble for trouble in self._told if trouble.subject == subject]
        return sum(self._told.pop(trouble).repeated_count for trouble in over)


def _subject_of(record: logging.LogRecord) -> tuple[object, ...]:
    fields: Mapping[str, Any] = fields_of(record)
    words = sorted((name, value) for name, value in fields.items() if isinstance(value, str) and name not in _TEXTS)
    return (record.name, *words)


def _what_of(record: logging.LogRecord) -> tuple[str, ...]:
    fields: Mapping[str, Any] = fields_of(record)
    texts = (_NUMBER.sub("#", str(fields.get(name, ""))) for name in sorted(_TEXTS))
    return (event_of(record), *texts)
