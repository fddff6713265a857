"""Which evaluations of the engine a recording has to tell: those that changed incidents, and a few of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from pipeline.engine.engine import Engine
from pipeline.sources.recording.records import Evaluated

EVALUATED_SECONDS = 5.0
"""Evaluations that found nothing new are told so often while something is read …"""
QUIET_SECONDS = 30.0
"""… and so often while nothing is."""
LONG_STEP = timedelta(seconds=5)
"""Time that goes on by more at once was not watched: where it stood before is told, too."""


class Evaluations:
    """Those since one was told the last time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.has_read = False  # since one was told
        self.has_seen_objects = False  # since one was told: it is asked first what they mean, and that has a time
        self._monotonic = monotonic
        self._told_at = monotonic()
        self._known: frozenset[tuple[str, int, str, bool]] | None = None
        self._advanced_to: datetime | None = None  # newest time that no record tells yet
        self._is_waiting = False

    def note(self, engine: Engine, advanced_to: datetime | None) -> Iterator[Evaluated]:
        """One was made; what has to be told now."""
        if advanced_to is not None and self._advanced_to is not None and advanced_to - self._advanced_to > LONG_STEP:
            yield from self.take()
        told = {one.id for one in engine.told()}  # what waits for its group may still change without a revision
        known = frozenset((one.id, one.revision, one.status, one.id in told) for one in engine.incidents())
        is_news, self._known = known != self._known, known
        self._advanced_to = advanced_to or self._advanced_to
        if advanced_to is None and not self.has_read and not is_news:
            return
        self._is_waiting = True
        every_seconds = EVALUATED_SECONDS if self.has_read else QUIET_SECONDS
        if is_news or self.has_seen_objects or self._monotonic() - self._told_at >= every_seconds:
            yield from self.take()

    def take(self) -> Iterator[Evaluated]:
        """What was not told yet."""
        if not self._is_waiting:
            return
        record = Evaluated(self._advanced_to)
        self._advanced_to, self._is_waiting = None, False
        self.has_read = self.has_seen_objects = False
        self._told_at = self._monotonic()
        yield record
