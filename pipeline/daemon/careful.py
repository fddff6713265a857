"""After a failure that comes back: what was read is taken record by record, until the one that fails is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipeline.daemon.caution import halves_of, lines_of, set_aside
from pipeline.daemon.ingestion import Ingestion
from pipeline.errors import StoreError, WhystuckError
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import Fetched

_log = get_logger("daemon")

MAX_UNEXPLAINED = 3
"""Failures in a row after which it is given up, where nothing was read that may be what we fail on."""
_Place = tuple[str, str]
"""A source and its stream."""


def is_of_content(error: Exception) -> bool:
    """Whether it may be what was read that we fail on: an error of our own code, or content that the store refuses."""
    return not isinstance(error, WhystuckError) or type(error) is StoreError  # those below it are of other kinds


class CarefulTaking:
    """Takes what was read into the engine; what was in a batch that failed twice, in halves."""

    def __init__(
        self,
        ingestion: Ingestion,
        commit: Callable[[], None],
        recall: Callable[[], object],
        *,
        now: Callable[[], datetime],
        max_in_a_row: int,
    ) -> None:
        """Prepare.

        Args:
            ingestion: takes what was read.
            commit: writes what was taken.
            recall: drops the state in memory for the one that was committed last.
            now: the clock.
            max_in_a_row: records set aside one behind the other, after which it is given up: it is not the records.
        """
        self._ingestion = ingestion
        self._commit = commit
        self._recall = recall
        self._now = now
        self._max_in_a_row = max_in_a_row
        self._failures = 0  # in a row, without a commit between them
        self._set_aside = 0  # records in a row
        self._suspects: dict[_Place, int] = {}  # line behind the batch that failed
        self._taken_to: dict[_Place, int] = {}  # since the last commit

    def take(self, source: str, fetched: Fetched) -> None:
        """Take in what was read.

        Raises:
            WhystuckError: So many records fail that it cannot be they.
        """
        place = source, fetched.stream
        self._taken_to[place] = fetched.next_line
        if self._failures > 1 and place in self._suspects:
            self._take_in_halves(source, fetched)
        else:
            self._ingestion.take(source, fetched, self._now())

    def committed(self) -> None:
        """What was taken is in the store."""
        self._taken_to.clear()
        if not self._suspects:
            self._failures = self._set_aside = 0

    def loaded(self) -> None:
        """The state in memory was dropped for the one that was committed last."""
        self._taken_to.clear()

    def failed(self, error: Exception) -> None:
        """Something of our own failed: what was read since the last commit may be why.

        Raises:
            WhystuckError: It fails whatever is read.
        """
        self._failures += 1
        _log.error("batch.failed", attempt=self._failures, error=type(error).__name__, exc_info=error)
        if self._failures > MAX_UNEXPLAINED and not self._suspects:
            raise _given_up(error) from error
        for place, line in self._taken_to.items():
            self._suspects[place] = max(line, self._suspects.get(place, 0))

    def _take_in_halves(self, source: str, fetched: Fetched) -> None:
        """Each half is committed by itself, down to the record that fails."""
        parts = [fetched]
        while parts:
            part = parts.pop(0)
            try:
                self._ingestion.take(source, part, self._now())
                self._ingestion.release_all(self._now())
                self._ingestion.evaluate()
                self._commit()
            except Exception as error:  # it is what is looked for
                if not is_of_content(error):
                    raise
                self._recall()
                if len(lines_of(part)) > 1:
                    parts[:0] = halves_of(part)
                else:
                    self._pass_over(source, part, error)
        if fetched.next_line >= self._suspects[source, fetched.stream]:
            del self._suspects[source, fetched.stream]

    def _pass_over(self, source: str, part: Fetched, error: Exception) -> None:
        self._set_aside += 1
        if self._set_aside > self._max_in_a_row or not lines_of(part):
            raise _given_up(error) from error
        record = set_aside(source, part, error)
        _log.error("record.set_aside", source=source, stream=record.stream, offset=record.first, detail=record.detail)
        self._ingestion.set_aside(record)
        self._commit()


def _given_up(error: Exception) -> WhystuckError:
    return WhystuckError(f"cannot go on: {type(error).__name__}: {error}")
