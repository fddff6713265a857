"""Reads the log of one container from where reading stands, over rotation, restarts and answers that break."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from pipeline.cluster.calls import CallError, Cluster, Reason, Stream
from pipeline.sources.pod_logs.answers import AnswerReader
from pipeline.sources.pod_logs.log_lines import log_call, log_query, newest_line, open_log, previous_end, split_pieces
from pipeline.sources.pod_logs.outbox import Outbox
from pipeline.sources.pod_logs.pods import ContainerId, RunState
from pipeline.sources.pod_logs.positions import NOTHING, History, Position, Run
from pipeline.sources.pod_logs.runs import Beginning, FinishedRun, is_late, is_next
from pipeline.sources.pod_logs.status import ContainerStatus

TAILS = (100, 10_000, 0)
"""How many of the last lines are asked for, until those that were read before are among them; 0: all."""
LATE_STATUS_ATTEMPTS = 5
"""So often a status that is older than the logs is waited for, before a gap is told that may be none."""


class _OtherRunError(Exception):
    """The log is not of the run of the container that it was taken for."""


class ContainerLog:
    """`go_on` is called by one thread; `close` by any."""

    def __init__(
        self,
        cluster: Cluster,
        container: ContainerId,
        history: History,
        outbox: Outbox,
        *,
        idle_seconds: float,
        is_first_sight: bool,
        is_new: bool,
        answered: Callable[[], None],
    ) -> None:
        """`answered` is called whenever the API server gives the log: it may go on for hours then."""
        self.status = ContainerStatus(cluster, container)
        self.is_caught_up = False
        self.is_ended = False
        self._cluster = cluster
        self._container = container
        self._history = history
        self._outbox = outbox
        self._idle_seconds = idle_seconds
        self._is_first_sight = is_first_sight  # nothing was ever read: that nothing came before is no gap
        self._is_new = is_new  # it came while containers were looked for: nothing of it is older than that
        self._answered = answered
        self._closing = threading.Event()
        self._cut = threading.Event()
        self._stream: Stream | None = None
        self._kept_count = 0
        self._finished: FinishedRun | None = None
        self._late_count = 0  # how often the status was waited for

    @property
    def is_cut(self) -> bool:
        """Whether it was ended here, and what an answer lacks shows nothing."""
        return self._cut.is_set()

    def cut(self) -> None:
        """End what goes on, until `resume`; from any thread."""
        self._cut.set()
        if (stream := self._stream) is not None:
            stream.close()

    def resume(self) -> None:
        """Reading may go on, unless it is closed."""
        self._cut.clear()
        if self._closing.is_set():
            self._cut.set()

    def close(self) -> None:
        """End what goes on, for good; from any thread."""
        self._closing.set()
        self.cut()

    def go_on(self) -> None:
        """From where reading stands to the end of one connection. Raises CallError, and GoneError.

        A pod's status may be older than the logs, so the run of the container that a log is of is known by its lines:
        by those read last in it, or by the end of `previous`, asked for after the log was opened.
        """
        restarts = self.status.look().restarts
        now = self._history.now()
        if now.is_over:
            self._follow_next(now)
        elif not now.runs:
            self._begin(now, restarts)
        elif not self._find_and_follow(now.runs):
            self._look_elsewhere(now)

    def end(self) -> None:
        """The pod is gone."""
        if self._closing.is_set():
            return
        first = self._history.mark(self._history.incarnation, is_ended=True)
        finished, newest = self._finished, self.status.newest
        if finished is not None and newest.is_of_run(finished.state):
            self._outbox.mark(self._container, first)
        else:
            ended = f", at {newest.finished_at:%FT%TZ}" if newest.finished_at is not None else ""
            detail = f"the pod was deleted before its log was read behind the end of the container{ended}"
            self._outbox.gap(self._container, first, "pod_deleted", detail)
        self.is_caught_up = self.is_ended = True

    def _find_and_follow(self, runs: tuple[Run, ...]) -> bool:
        """Follow from the line read last; whether it is in the log."""
        self._kept_count = 0
        return any(self._follow(runs, tail) for tail in TAILS)

    def _follow_next(self, now: Position) -> None:
        """A run was read to its end. The log is that of the next one as long as that run is the previous one."""
        try:
            self._follow((), 0, behind=now.runs[-1])
        except _OtherRunError:
            # Restarted again, or more was written to it: whether its lines are still there decides.
            self._mark(self._history.mark(now.incarnation, now.runs, before=now.before))

    def _look_elsewhere(self, now: Position) -> None:
        """The line read last is not in the log: the container was restarted, or the log was rotated."""
        kept = now.runs[: self._kept_count]
        if self._read_previous(now.runs):
            if not self.is_cut:
                incarnation = max(self.status.look().restarts, now.incarnation + 1)
                runs = self._history.now().runs
                self._mark(self._history.mark(incarnation, runs, is_over=True, before=now.before))
            return
        restarts, end = self.status.look().restarts, previous_end(self._cluster, self._container)
        is_same_run = restarts == now.incarnation if now.before is None else end.is_like(now.before)
        newest = newest_line(self._cluster, self._container)
        if is_same_run and newest is None:
            return  # empty: rotated, or begun anew, this moment; what it is will show
        if kept == now.runs:
            # Lines like them are there, and in another order: only behind all of them nothing comes twice.
            kept = () if newest is None else (newest,)
        detail = "what came behind the line read last is not kept"
        if is_same_run:
            self._tell_gap("rotated", f"the log was rotated, or lost its end; {detail}", restarts, kept, end)
        elif not self._read_next(now):
            self._tell_gap("restarted", f"the container was restarted; {detail}", restarts, kept, now.before)

    def _read_next(self, now: Position) -> bool:
        """The run behind one that was read to its end may have ended, too: whether that is so, and it was read.

        While it waits to be restarted its log is the current and the previous one, and the run before is not served.
        """
        finished, last = self._finished, now.runs[-1]
        state, end = self.status.look(), previous_end(self._cluster, self._container)
        if is_late(finished, last, state) and self._late_count < LATE_STATUS_ATTEMPTS:
            self._late_count += 1
            raise self._trouble("the status does not know of the run yet whose log is served")
        if end == NOTHING or not is_next(finished, last, state):
            return False
        self._mark(self._history.mark(state.restarts, now.runs, is_over=True, before=now.before))
        self._finished = None  # where it is another run after all, that is told at the next attempt
        with contextlib.suppress(_OtherRunError):
            self._read((), end, log_query(self._container, previous=True), behind=end, within=state)
        return True

    def _begin(self, now: Position, restarts: int) -> None:
        """No line is known: nothing was read yet, or a gap was told. Begin with the run before, if that is not read."""
        if self._is_first_sight and restarts > now.incarnation + 1:
            detail = "whole runs of the container came and went meanwhile"
            self._tell_gap("restarted", detail, restarts, (), now.before)
        end = previous_end(self._cluster, self._container)
        is_read = now.before is not None and end.is_like(now.before)
        try:
            if end != NOTHING and not is_read:
                self._read((), end, log_query(self._container, previous=True), behind=end)
            else:
                self._history.begin_behind(end)
                self._follow((), 0, behind=end)
        except _OtherRunError:
            raise self._trouble("the container was restarted while its log was asked for") from None

    def _mark(self, first: int) -> None:
        self._outbox.mark(self._container, first)

    def _tell_gap(self, reason: str, detail: str, restarts: int, kept: tuple[Run, ...], before: Run | None) -> None:
        first = self._history.mark(max(self._history.incarnation, restarts - 1), kept, before=before)
        self._outbox.gap(self._container, first, reason, detail)

    def _read_previous(self, runs: tuple[Run, ...]) -> bool:
        """What is new in the log of the run before; whether the line read last is in it."""
        newest = previous_end(self._cluster, self._container)
        return newest != NOTHING and self._read(runs, newest, log_query(self._container, previous=True))

    def _follow(self, runs: tuple[Run, ...], tail: int, behind: Run = NOTHING) -> bool:
        return self._read(runs, None, log_query(self._container, follow=True, tail=tail), behind)

    def _read(
        self,
        runs: tuple[Run, ...],
        newest: Run | None,
        query: dict[str, str],
        behind: Run = NOTHING,
        within: RunState | None = None,
    ) -> bool:
        """Hand out what comes behind the runs; whether they were there. Raises CallError where that is not certain.

        Without runs the previous log has to end with `behind` when the log is open, and the first line to be of the run
        `within`, if there is one, or else it raises _OtherRunError.
        A log that goes on is asked for its newest line when it is open: that of another run would never come.
        """
        before = self.status.newest
        stream = self._stream = open_log(self._cluster, self._container, query, self._idle_seconds)
        self._answered()
        try:
            if self.is_cut:
                return True
            state = self.status.look()  # the log is of this pod, and not of another one of its name
            if not runs and not previous_end(self._cluster, self._container).is_like(behind):
                raise _OtherRunError
            if "follow" in query:
                newest = newest_line(self._cluster, self._container)
                if newest is None and runs:
                    return False
            reader = AnswerReader(runs, newest, is_whole="tailLines" not in query)
            is_previous = "previous" in query
            beginning = Beginning(state, is_previous, within) if not runs and newest is not None else None
            is_quiet = self._hand_out(reader, stream, beginning, is_previous=is_previous)
        finally:
            stream.close()
            self._stream = None
        self._kept_count = reader.kept_count
        if not reader.is_absent and not reader.is_complete and not self.is_cut:
            raise self._trouble("the answer ended before the newest line")
        is_all = reader.is_complete and is_quiet and not is_previous and (bool(runs) or newest is None)
        if is_all and before.is_finished and not self.is_cut:
            self._finished, self._late_count = FinishedRun(before, runs[-1] if runs else NOTHING), 0
        return not reader.is_absent

    def _trouble(self, text: str) -> CallError:
        return CallError(self._container.cluster, log_call(self._container), Reason.UNREACHABLE, text)

    def _hand_out(
        self, reader: AnswerReader, stream: Stream, beginning: Beginning | None, *, is_previous: bool
    ) -> bool:
        """Pass on what is new until the answer ends; whether it ended by itself and had nothing new.

        Raises CallError where it broke before it was certain what is in it.
        """
        is_quiet = True
        if reader.is_complete and not is_previous:
            self.is_caught_up = True
        try:
            for lines in split_pieces(stream):
                if fresh := reader.feed(lines):
                    self._check_beginning(fresh[0][0], beginning)
                    beginning = None
                    is_quiet = self._is_first_sight = False
                    self._outbox.lines(self._container, [(self._history.add(run), line) for run, line in fresh])
                if reader.is_absent:
                    break
                if reader.is_complete:
                    self.is_caught_up = True
        except CallError:
            is_quiet = False  # silent for long, or cut off at the end: the next answer goes on
            self._end_answer(reader)
            if not (reader.is_complete or reader.is_absent):
                raise
        self._end_answer(reader)
        return is_quiet

    def _check_beginning(self, first: Run, beginning: Beginning | None) -> None:
        """Tell what is missing before the first line of a log; raises _OtherRunError where it is of another run."""
        if beginning is None:
            return
        if beginning.is_other(first):
            raise _OtherRunError
        now = self._history.now()
        before = now.runs[-1] if now.is_over else None
        is_expected = now.is_over or (self._is_first_sight and self._is_new)  # else a gap is told, or nothing was read
        if is_expected and (detail := beginning.missing(first, before)):
            self._tell_gap("rotated", detail, now.incarnation, (), before or now.before)

    def _end_answer(self, reader: AnswerReader) -> None:
        if not self.is_cut:  # else it was cut here
            reader.end()
