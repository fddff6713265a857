"""Follows one container over everything that happens to it, on a thread of its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from pipeline.cluster.calls import CallError, Cluster, Reason
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import StreamLag
from pipeline.sources.objects.refusals import Refusal, refusal_of
from pipeline.sources.pod_logs.container_log import ContainerLog
from pipeline.sources.pod_logs.outbox import Outbox
from pipeline.sources.pod_logs.pods import ContainerId, RunState
from pipeline.sources.pod_logs.positions import History
from pipeline.sources.pod_logs.status import GoneError
from pipeline.sources.pod_logs.turns import Turns

_log = get_logger("pod_logs")

FIRST_PAUSE_SECONDS = 0.2
LAST_PAUSE_SECONDS = 15.0
REFUSED_SECONDS = 60.0
"""Until a log that may not be read is asked for again: rights are given by people."""


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
        turns: Turns,
        is_new: bool = False,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.container = container
        self.history = history
        self.problem = ""
        self.refusal: Refusal | None = None  # of the right to read it
        self._log = ContainerLog(
            cluster,
            container,
            history,
            outbox,
            idle_seconds=idle_seconds,
            is_first_sight=is_first_sight,
            is_new=is_new,
            answered=self._allowed,
        )
        self._turns = turns
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._wait = wait or self._woken.wait
        self._random = random.Random()  # noqa: S311 - spreads requests, nothing more
        self._asked_pause = 0.0  # seconds that the API server asks to wait for

    @property
    def is_caught_up(self) -> bool:
        """Whether everything was read that was there a moment ago."""
        return self._log.is_caught_up

    @property
    def is_done(self) -> bool:
        """Whether the pod is gone, and nothing more will come."""
        return self._log.is_ended

    @property
    def may_give_way(self) -> bool:
        """Whether nothing of its log is known to be unread, or it cannot be read now."""
        return self.is_caught_up or bool(self.problem)

    def run(self) -> None:
        """Read until the pod is gone or `close`, while it is its turn."""
        try:
            while not self._closing.is_set() and not self.is_done:
                if self._turns.take(self, 0.2):
                    self._log.resume()
                    self._read()
                    self._turns.end(self)
                elif not self.is_caught_up:
                    self.problem = "waits, as max_streams logs are followed"
        finally:
            self._turns.end(self)

    def give_way(self) -> None:
        """End the turn soon; reading goes on in the next one. From any thread."""
        self._log.cut()
        self._woken.set()

    def wake(self, state: RunState) -> None:
        """Something happened to the container: ask again soon; from any thread."""
        self._log.status.note(state)
        self._woken.set()

    def close(self) -> None:
        """End soon; from any thread."""
        self._closing.set()
        self._woken.set()
        self._log.close()

    def _read(self) -> None:
        """For one turn."""
        pause = FIRST_PAUSE_SECONDS
        while not self._log.is_cut and not self.is_done:
            self._woken.clear()
            before = self.history.next_line
            self._attempt()
            pause = FIRST_PAUSE_SECONDS if self.history.next_line != before else min(2 * pause, LAST_PAUSE_SECONDS)
            if self._log.is_cut or self._wait(self._asked_pause or pause * self._random.uniform(0.5, 1.0)):
                pause = FIRST_PAUSE_SECONDS

    def lag(self) -> StreamLag:
        """Nothing is known of how much is left, but whether there is something."""
        return StreamLag(0, 0.0) if self.is_caught_up else StreamLag(None, None)

    def _allowed(self) -> None:
        """The log may be read; who follows it need not wait for its end to know."""
        self.refusal = None

    def _attempt(self) -> None:
        self._asked_pause = 0.0
        try:
            self._log.go_on()
            self.problem, self.refusal = "", None
        except GoneError:
            self._log.end()
        except CallError as error:
            if error.reason is Reason.NOT_FOUND and self._log.status.is_certainly_gone():
                self._log.end()
                return
            if error.is_right_missing:
                self.problem, self.refusal = "", refusal_of(error.call)
                self._log.is_caught_up = True  # nothing more can be read of it now
                self._asked_pause = REFUSED_SECONDS * self._random.uniform(0.5, 1.0)
                return
            if str(error) != self.problem:
                _log.warning("pod_logs.problem", stream=self.container.stream, problem=str(error))
            self.problem = str(error)
            self._asked_pause = error.retry_after_seconds or 0.0
            self._log.is_caught_up = False
