"""Follows one container over everything that happens to it, on a thread of its own."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from pipeline.cluster.calls import CallError, Cluster, Reason, Stream
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import StreamLag
from pipeline.sources.pod_logs.log_lines import log_call, log_query, newest_line, open_log, split_pieces
from pipeline.sources.pod_logs.pods import ContainerId, restarts_of
from pipeline.sources.pod_logs.positions import History, Matcher, Run, run_of

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
        self._wait = wait or self._closing.wait
        self._stream: Stream | None = None
        self._random = random.Random()  # noqa: S311 - spreads requests, nothing more
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
                before = self.history.next_line
                self._attempt()
                pause = FIRST_PAUSE_SECONDS if self.history.next_line != before else min(2 * pause, LAST_PAUSE_SECONDS)
                self._wait(pause * self._random.uniform(0.5, 1.0))
        finally:
            self._slots.release()

    def close(self) -> None:
        """End soon; from any thread."""
        self._closing.set()
        if (stream := self._stream) is not None:
            stream.close()

    def lag(self) -> StreamLag:
        """Nothing is known of how much is left, but whether there is something."""
        return StreamLag(0, 0.0) if self.is_caught_up else StreamLag(None, None)

    def _attempt(self) -> None:
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
            self.is_caught_up = False

    def _go_on(self) -> None:
        """From where reading stands to the end of one connection."""
        restarts = self._restarts()
        runs = self.history.runs()
        if not runs and restarts > self.history.incarnation:
            self._begin_with_previous(restarts)
        elif not runs:
            self._follow((), 0)
        elif not self._find_and_follow(runs):
            self._look_elsewhere(runs)

    def _find_and_follow(self, runs: tuple[Run, ...]) -> bool:
        """Follow from the line read last; whether it is in the log."""
        self._kept_count = 0
        return any(self._follow(runs, tail) for tail in TAILS)

    def _look_elsewhere(self, runs: tuple[Run, ...]) -> None:
        """The line read last is not in the log: the container was restarted, or the log was rotated."""
        kept = runs[: self._kept_count]
        if self._read_previous(runs):
            self._begin(max(self._restarts(), self.history.incarnation + 1))
            return
        restarts, incarnation = self._restarts(), self.history.incarnation
        if newest_line(self._cluster, self.container) is None and restarts == incarnation:
            return  # empty: rotated, or begun anew, this moment; what it is will show
        if restarts > incarnation:
            reason, detail = "restarted", f"the container was restarted {restarts - incarnation} times meanwhile"
        else:
            reason, detail = "rotated", "the log was rotated, or lost its end, before it was read on"
        self._tell_gap(reason, f"{detail}; what came behind the line read last is not kept", restarts, kept)

    def _begin_with_previous(self, restarts: int) -> None:
        """Nothing of this incarnation was read, and it is over: its log is the previous one, if there was no other."""
        if restarts > self.history.incarnation + 1:
            self._tell_gap("restarted", "whole runs of the container came and went meanwhile", restarts, ())
        if not self._read_previous(()) and not self._is_first_sight:
            self._tell_gap("restarted", "the log of the run before is not kept", restarts + 1, ())
            return
        self._begin(restarts)

    def _begin(self, incarnation: int) -> None:
        self._outbox.mark(self.container, self.history.mark(incarnation))

    def _tell_gap(self, reason: str, detail: str, restarts: int, kept: tuple[Run, ...]) -> None:
        incarnation = max(self.history.incarnation, restarts - 1)
        first = self.history.mark(incarnation, kept)
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
        """What is new in the log of the incarnation before; whether the line read last is in it."""
        try:
            newest = newest_line(self._cluster, self.container, previous=True)
        except CallError as error:
            if error.reason is Reason.REFUSED:
                return False  # there is none
            raise
        if newest is None:
            return not runs
        return self._read(runs, newest, log_query(self.container, previous=True))

    def _follow(self, runs: tuple[Run, ...], tail: int) -> bool:
        newest = newest_line(self._cluster, self.container)
        if newest is None and runs:
            return False
        return self._read(runs, newest, log_query(self.container, follow=True, tail=tail))

    def _read(self, runs: tuple[Run, ...], newest: Run | None, query: dict[str, str]) -> bool:
        """Hand out what comes behind the runs; whether they were there. Raises CallError where that is not certain."""
        self._is_certain = False
        stream = self._stream = open_log(self._cluster, self.container, query, self._idle_seconds)
        reader = _AnswerReader(runs, newest, is_whole="tailLines" not in query)
        try:
            if self._closing.is_set():
                return True
            # The log is of this pod, and not of another one of its name; and where no line read before shows it, of the
            # run of the container that it is taken for.
            restarts = self._restarts()
            if not runs and restarts != self.history.incarnation + ("previous" in query):
                raise self._trouble("the container was restarted while its log was asked for")
            has_fresh = self._hand_out(reader, stream, is_previous="previous" in query)
        except CallError:
            if not reader.is_complete or reader.is_absent:
                raise
            return True  # silent for long, or cut off at the end: the next answer goes on
        finally:
            stream.close()
            self._stream = None
        self._kept_count = reader.kept_count
        if not reader.is_absent and not reader.is_complete and not self._closing.is_set():
            raise self._trouble("the answer ended before the newest line")
        self._is_certain = reader.is_complete and not has_fresh
        return not reader.is_absent

    def _trouble(self, text: str) -> CallError:
        return CallError(self.container.cluster, log_call(self.container), Reason.UNREACHABLE, text)

    def _hand_out(self, reader: _AnswerReader, stream: Stream, *, is_previous: bool) -> bool:
        """Pass on what is new until the answer ends; whether there was anything."""
        has_fresh = False
        if reader.is_complete and not is_previous:
            self.is_caught_up = True
        for lines in split_pieces(stream):
            if fresh := reader.feed(lines):
                has_fresh, self._is_first_sight = True, False
                self._outbox.lines(self.container, [(self.history.add(run), line) for run, line in fresh])
            if reader.is_absent or (is_previous and reader.is_complete):
                break
            if reader.is_complete:
                self.is_caught_up = True
        return has_fresh


class _AnswerReader:
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
