"""Follows one container over everything that happens to it, on a thread of its own."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from typing import Protocol

from pipeline.cluster.calls import CallError, Cluster, Reason, Stream
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import StreamLag
from pipeline.sources.pod_logs.answers import AnswerReader
from pipeline.sources.pod_logs.log_lines import log_call, log_query, newest_line, open_log, previous_end, split_pieces
from pipeline.sources.pod_logs.pods import ContainerId, restarts_of
from pipeline.sources.pod_logs.positions import NOTHING, History, Position, Run

_log = get_logger("pod_logs")

TAILS = (100, 10_000, 0)
"""How many of the last lines are asked for, until those that were read before are among them; 0: all."""
FIRST_PAUSE_SECONDS = 0.2
LAST_PAUSE_SECONDS = 15.0


class Outbox(Protocol):
    """Where a follower puts what it reads; waits while there is no room."""

    def lines(self, container: ContainerId, lines: list[tuple[int, bytes]]) -> None:
        """Lines, each with its number."""
        ...

    def gap(self, container: ContainerId, first: int, reason: str, detail: str) -> None:
        """Lines are missing; the gap has a number of its own."""
        ...

    def mark(self, container: ContainerId, first: int) -> None:
        """Reading goes on in another incarnation, or is over."""
        ...


class _GoneError(Exception):
    """The pod is not there any more, or another one has its name."""


class _OtherRunError(Exception):
    """The log is not of the run of the container that it was taken for."""


class Follower:
    """One container; `run` is the body of its thread."""

    def __init__(
        self,
        cluster: Cluster,
        container: ContainerId,
        history: History,
        outbox: Outbox,
        *,
        idle_seconds: float,
        is_first_sight: bool,
        slots: threading.Semaphore,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.container = container
        self.history = history
        self.problem = ""
        self.is_caught_up = False
        self.is_done = False
        self._cluster = cluster
        self._outbox = outbox
        self._idle_seconds = idle_seconds
        self._is_first_sight = is_first_sight  # nothing was ever read: that nothing came before is no gap
        self._slots = slots
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._wait = wait or self._woken.wait
        self._stream: Stream | None = None
        self._random = random.Random()  # noqa: S311 - spreads requests, nothing more
        self._asked_pause = 0.0  # seconds that the API server asks to wait for
        self._kept_count = 0
        self._is_certain = False  # the last answer ended by itself, and had nothing new

    def run(self) -> None:
        """Read until the pod is gone or `close`."""
        while not self._slots.acquire(timeout=0.2):
            self.problem = "waits, as max_streams logs are followed"
            if self._closing.is_set():
                return
        try:
            pause = FIRST_PAUSE_SECONDS
            while not self._closing.is_set() and not self.is_done:
                self._woken.clear()
                before = self.history.next_line
                self._attempt()
                pause = FIRST_PAUSE_SECONDS if self.history.next_line != before else min(2 * pause, LAST_PAUSE_SECONDS)
                if self._closing.is_set() or self._wait(self._asked_pause or pause * self._random.uniform(0.5, 1.0)):
                    pause = FIRST_PAUSE_SECONDS
        finally:
            self._slots.release()

    def wake(self) -> None:
        """Something happened to the container: ask again soon; from any thread."""
        self._woken.set()

    def close(self) -> None:
        """End soon; from any thread."""
        self._closing.set()
        self._woken.set()
        if (stream := self._stream) is not None:
            stream.close()

    def lag(self) -> StreamLag:
        """Nothing is known of how much is left, but whether there is something."""
        return StreamLag(0, 0.0) if self.is_caught_up else StreamLag(None, None)

    def _attempt(self) -> None:
        self._asked_pause = 0.0
        try:
            self._go_on()
            self.problem = ""
        except _GoneError:
            self._end()
        except CallError as error:
            if error.reason is Reason.NOT_FOUND:
                with contextlib.suppress(CallError):
                    if restarts_of(self._cluster, self.container) is None:
                        self._end()
                        return
            if str(error) != self.problem:
                _log.warning("pod_logs.problem", stream=self.container.stream, problem=str(error))
            self.problem = str(error)
            self._asked_pause = error.retry_after_seconds or 0.0
            self.is_caught_up = False

    def _go_on(self) -> None:
        """From where reading stands to the end of one connection.

        A pod's status may be older than the logs, so the run of the container that a log is of is known by its lines:
        by those read last in it, or by the end of `previous`, asked for after the log was opened.
        """
        restarts = self._restarts()
        now = self.history.now()
        if now.is_over:
            self._follow_next(now)
        elif not now.runs:
            self._begin(now, restarts)
        elif not self._find_and_follow(now.runs):
            self._look_elsewhere(now)

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
            self._mark(self.history.mark(now.incarnation, now.runs, before=now.before))

    def _look_elsewhere(self, now: Position) -> None:
        """The line read last is not in the log: the container was restarted, or the log was rotated."""
        kept = now.runs[: self._kept_count]
        if self._read_previous(now.runs):
            if not self._closing.is_set():
                self._is_certain = False
                incarnation = max(self._restarts(), now.incarnation + 1)
                runs = self.history.now().runs
                self._mark(self.history.mark(incarnation, runs, is_over=True, before=now.before))
            return
        restarts, end = self._restarts(), previous_end(self._cluster, self.container)
        is_same_run = restarts == now.incarnation if now.before is None else end.is_like(now.before)
        newest = newest_line(self._cluster, self.container)
        if is_same_run and newest is None:
            return  # empty: rotated, or begun anew, this moment; what it is will show
        if kept == now.runs:
            # Lines like them are there, and in another order: only behind all of them nothing comes twice.
            kept = () if newest is None else (newest,)
        detail = "what came behind the line read last is not kept"
        if is_same_run:
            self._tell_gap("rotated", f"the log was rotated, or lost its end; {detail}", restarts, kept, end)
        else:
            self._tell_gap("restarted", f"the container was restarted; {detail}", restarts, kept, now.before)

    def _begin(self, now: Position, restarts: int) -> None:
        """No line is known: nothing was read yet, or a gap was told. Begin with the run before, if that is not read."""
        if self._is_first_sight and restarts > now.incarnation + 1:
            detail = "whole runs of the container came and went meanwhile"
            self._tell_gap("restarted", detail, restarts, (), now.before)
        end = previous_end(self._cluster, self.container)
        is_read = now.before is not None and end.is_like(now.before)
        try:
            if end != NOTHING and not is_read:
                self._read((), end, log_query(self.container, previous=True), behind=end)
            else:
                self.history.begin_behind(end)
                self._follow((), 0, behind=end)
        except _OtherRunError:
            raise self._trouble("the container was restarted while its log was asked for") from None

    def _mark(self, first: int) -> None:
        self._outbox.mark(self.container, first)

    def _tell_gap(self, reason: str, detail: str, restarts: int, kept: tuple[Run, ...], before: Run | None) -> None:
        first = self.history.mark(max(self.history.incarnation, restarts - 1), kept, before=before)
        self._outbox.gap(self.container, first, reason, detail)

    def _end(self) -> None:
        if self._closing.is_set():
            return
        first = self.history.mark(self.history.incarnation, is_ended=True)
        if self._is_certain:
            self._outbox.mark(self.container, first)
        else:
            detail = "the pod was deleted before it was certain that its last lines were read"
            self._outbox.gap(self.container, first, "pod_deleted", detail)
        self.is_caught_up = self.is_done = True

    def _restarts(self) -> int:
        restarts = restarts_of(self._cluster, self.container)
        if restarts is None:
            raise _GoneError
        return restarts

    def _read_previous(self, runs: tuple[Run, ...]) -> bool:
        """What is new in the log of the run before; whether the line read last is in it."""
        newest = previous_end(self._cluster, self.container)
        return newest != NOTHING and self._read(runs, newest, log_query(self.container, previous=True))

    def _follow(self, runs: tuple[Run, ...], tail: int, behind: Run = NOTHING) -> bool:
        return self._read(runs, None, log_query(self.container, follow=True, tail=tail), behind)

    def _read(self, runs: tuple[Run, ...], newest: Run | None, query: dict[str, str], behind: Run = NOTHING) -> bool:
        """Hand out what comes behind the runs; whether they were there. Raises CallError where that is not certain.

        Without runs the previous log has to end with `behind` when the log is open, or else it raises _OtherRunError.
        A log that goes on is asked for its newest line when it is open: that of another run would never come.
        """
        self._is_certain = False
        stream = self._stream = open_log(self._cluster, self.container, query, self._idle_seconds)
        try:
            if self._closing.is_set():
                return True
            self._restarts()  # the log is of this pod, and not of another one of its name
            if not runs and not previous_end(self._cluster, self.container).is_like(behind):
                raise _OtherRunError
            if "follow" in query:
                newest = newest_line(self._cluster, self.container)
                if newest is None and runs:
                    return False
            reader = AnswerReader(runs, newest, is_whole="tailLines" not in query)
            is_quiet = self._hand_out(reader, stream, is_previous="previous" in query)
        finally:
            stream.close()
            self._stream = None
        self._kept_count = reader.kept_count
        if not reader.is_absent and not reader.is_complete and not self._closing.is_set():
            raise self._trouble("the answer ended before the newest line")
        self._is_certain = reader.is_complete and is_quiet
        return not reader.is_absent

    def _trouble(self, text: str) -> CallError:
        return CallError(self.container.cluster, log_call(self.container), Reason.UNREACHABLE, text)

    def _hand_out(self, reader: AnswerReader, stream: Stream, *, is_previous: bool) -> bool:
        """Pass on what is new until the answer ends; whether it ended by itself and had nothing new.

        Raises CallError where it broke before it was certain what is in it.
        """
        is_quiet = True
        if reader.is_complete and not is_previous:
            self.is_caught_up = True
        try:
            for lines in split_pieces(stream):
                if fresh := reader.feed(lines):
                    is_quiet = self._is_first_sight = False
                    self._outbox.lines(self.container, [(self.history.add(run), line) for run, line in fresh])
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

    def _end_answer(self, reader: AnswerReader) -> None:
        if not self._closing.is_set():  # else it was cut here
            reader.end()
