"""Cuts off whatever a sender waits for, from outside of its thread: when its time is over, or when whystuck ends.

Time limits of single reads and writes do not bound an exchange: a receiver that sends a byte now and then satisfies
each of them for ever. Shutting the connection down ends any wait, also within TLS.
"""

from __future__ import annotations

import enum
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class Cut(enum.Enum):
    """Why it was cut off."""

    TIME_OVER = "time_over"
    STOPPED = "stopped"  # for good: nothing can begin any more


class CutOffError(Exception):
    """The exchange was cut off before it could go on."""


class Cutter:
    """Knows the connections of one sender, and ends them. `cut` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut: Cut | None = None
        self._exchange = 0  # its number: a limit that comes late is not that of the next one
        self._connections: set[socket.socket] = set()
        self._waiting: Future[Any] | None = None

    @property
    def why(self) -> Cut | None:
        """Why the exchange, or the last one, was cut off; None: it was not."""
        return self._cut

    @contextmanager
    def limited(self, total_seconds: float) -> Iterator[None]:
        """One exchange, which is cut off after so many seconds.

        Raises:
            CutOffError: Everything was stopped.
        """
        with self._lock:
            if self._cut is Cut.STOPPED:
                raise CutOffError
            self._cut = None
            self._exchange += 1
            exchange = self._exchange
        timer = threading.Timer(total_seconds, self._end, (exchange,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._exchange += 1

    def stop(self) -> None:
        """End what goes on, and let nothing begin any more."""
        with self._lock:
            self._cut_off(Cut.STOPPED)

    def hold(self, connection: socket.socket) -> None:
        """Know a connection, until `release`.

        Raises:
            CutOffError: It came too late; it is closed.
        """
        with self._lock:
            if self._cut is None:
                self._connections.add(connection)
                return
        connection.close()
        raise CutOffError

    def release(self, connection: socket.socket) -> None:
        """Forget a connection, and close it."""
        with self._lock:
            self._connections.discard(connection)
        connection.close()

    def wait_for(self, work: Callable[[], _Result], too_late: Callable[[_Result], None]) -> _Result:
        """What `work` gives, unless it is cut off before. It runs on a thread of its own, as nothing can interrupt it.

        Args:
            work: What may wait for long: looking a name up, connecting.
            too_late: What to do with a result that nobody waits for any more.

        Raises:
            CutOffError: It was cut off.
        """
        future: Future[_Result] = Future()
        with self._lock:
            if self._cut is not None:
                raise CutOffError
            self._waiting = future
        threading.Thread(target=_run, args=(future, work, too_late), name="connecting", daemon=True).start()
        try:
            return future.result()
        except CancelledError:
            raise CutOffError from None
        finally:
            with self._lock:
                self._waiting = None

    def _end(self, exchange: int) -> None:
        with self._lock:
            if self._exchange == exchange:
                self._cut_off(Cut.TIME_OVER)

    def _cut_off(self, why: Cut) -> None:
        self._cut = why
        if self._waiting is not None:
            self._waiting.cancel()
        for connection in self._connections:
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)


def _run(future: Future[_Result], work: Callable[[], _Result], too_late: Callable[[_Result], None]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        with suppress(InvalidStateError):
            future.set_exception(error)
        return
    try:
        future.set_result(result)
    except InvalidStateError:
        too_late(result)
