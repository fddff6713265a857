"""When the engine is asked what all of it means: now and then, more rarely the longer that takes, and at the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.intake import Intake
from pipeline.daemon.pace import (
    ADVANCE_EVERY_SECONDS,
    BUSY_SECONDS,
    CATCH_UP_SECONDS,
    EVALUATE_SECONDS_PER_KEY,
    Pace,
)
from pipeline.daemon.told import Told


class Asking:
    """Used by the pipeline's thread."""

    def __init__(
        self,
        commit_seconds: float,
        ingestion: Ingestion,
        intake: Intake,
        told: Told,
        pace: Pace,
        *,
        ends_when_caught_up: bool,
        now: Callable[[], datetime],
    ) -> None:
        self._commit_seconds = commit_seconds
        self._ingestion = ingestion
        self._intake = intake
        self._told = told
        self._pace = pace
        self._ends_when_caught_up = ends_when_caught_up
        self._now = now

    def ask(self) -> None:
        """Do what is due."""
        if self._pace.is_due("evaluate", self._pause()):
            self._ingestion.evaluate()
        if self._pace.is_due("advance", ADVANCE_EVERY_SECONDS):
            self._advance()

    def ask_last(self, *, is_stopped: bool) -> None:
        """Nothing more will be read by this process: it was told to stop, or everything is read."""
        if not self._ends_when_caught_up:
            self._ingestion.evaluate()
        elif not is_stopped:
            self._ingestion.finish(self._now())

    def _pause(self) -> float:
        """Seconds. In a catch-up the end of the story is what matters, and one source may be far behind another."""
        if self._ends_when_caught_up:
            return math.inf  # `ask_last` does: as in a replay, what was read first must not decide
        if self._told.is_catching_up():
            return CATCH_UP_SECONDS
        keys = sum(self._ingestion.engine.key_counts().values())
        least = self._commit_seconds if self._intake.is_empty else BUSY_SECONDS
        return max(least, EVALUATE_SECONDS_PER_KEY * keys)

    def _advance(self) -> None:
        """Where nothing is left to read, time goes on without events."""
        until = self._told.until(self._now())
        if self._ends_when_caught_up or until is None:
            return
        if self._intake.is_caught_up:
            self._ingestion.advance(until)
        else:
            self._pace.again("advance")  # there may be a moment without anything left soon
