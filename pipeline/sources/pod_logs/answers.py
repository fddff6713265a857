"""Tells what is new in one answer, and whether all that was there came."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.sources.pod_logs.positions import Matcher, Run, run_of


class AnswerReader:
    """Tells the lines of one answer that were not read before.

    The newest line, once it came, shows that all came that there was. Where lines are stamped coarsely an equal one may
    stand before it, but of the same moment only: what was read last is given up behind that moment.
    """

    def __init__(self, runs: tuple[Run, ...], newest: Run | None, *, is_whole: bool) -> None:
        self._matcher = Matcher(runs, is_whole=is_whole) if runs else None
        self._is_of_last_moment = bool(runs) and newest is not None and runs[-1].at == newest.at
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
            elif (is_newest and not self._is_of_last_moment) or self._is_behind_newest(run):
                self._give_up()
                return
            self._has_passed_newest = self._has_passed_newest or is_newest

    def end(self) -> None:
        """The answer is over."""
        if self._matcher is not None and self._has_passed_newest:
            self._give_up()

    def _is_behind_newest(self, run: Run) -> bool:
        return self._has_passed_newest and self._newest is not None and run.at != self._newest.at

    def _give_up(self) -> None:
        assert self._matcher is not None
        self.is_absent = True
        self.kept_count = self._matcher.kept_count
