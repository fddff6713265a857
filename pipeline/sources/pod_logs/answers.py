"""Tells what is new in one answer, and whether all that was there came."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.sources.pod_logs.positions import Matcher, Run, run_of


class AnswerReader:
    """Tells the lines of one answer that were not read before."""

    def __init__(self, runs: tuple[Run, ...], newest: Run | None, *, is_whole: bool) -> None:
        self._matcher = Matcher(runs, is_whole=is_whole) if runs else None
        self._is_last_newest = bool(runs) and newest is not None and runs[-1].is_like(newest)
        self._newest = newest
        self._has_passed_newest = False
        self.is_absent = False  # the newest line came, and the lines read last did not
        self.is_complete = newest is None
        self.kept_count = 0

    def feed(self, lines: list[bytes]) -> list[tuple[Run, bytes]]:
        """What is new among these lines."""
        return list(self._fresh(lines))

    def _fresh(self, lines: list[bytes]) -> Iterator[tuple[Run, bytes]]:
        for line in lines:
            run = run_of(line)
            is_newest = self._newest is not None and run.is_like(self._newest)
            if self._matcher is None:
                self.is_complete = self.is_complete or is_newest
                yield run, line
                continue
            if self._matcher.feed(run):
                self._matcher = None
                self.is_complete = self.is_complete or is_newest
            elif (is_newest and not self._is_last_newest) or (self._has_passed_newest and not is_newest):
                self.is_absent = True
                self.kept_count = self._matcher.kept_count
                return
            self._has_passed_newest = self._has_passed_newest or is_newest
