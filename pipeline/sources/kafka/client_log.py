"""The client library's own log: kept away from ours, and asked for the reason when an error does not name it."""

from __future__ import annotations

import logging
from collections import deque

_LOGGER = logging.getLogger("kafka")
_KEPT = 20
_MAX_CHARS = 300


class ClientLog(logging.Handler):
    """Holds the last warnings of one client, told by the name of the thread in which its network code runs."""

    def __init__(self, client_id: str) -> None:
        super().__init__(logging.WARNING)
        self._thread = f"kafka-io-{client_id}"
        self._texts: deque[str] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message of our client."""
        if record.threadName == self._thread:
            self._texts.append(" ".join(record.getMessage().split())[:_MAX_CHARS])

    @property
    def newest(self) -> str:
        """The newest message; empty: none yet."""
        return self._texts[-1] if self._texts else ""

    def open(self) -> None:
        """Listen from now on.

        The library repeats itself with every attempt, several times a second, and writes passwords at level debug:
        nothing of it goes further than here.
        """
        _LOGGER.propagate = False
        _LOGGER.setLevel(logging.WARNING)
        _LOGGER.addHandler(self)

    def close(self) -> None:
        """Listen no more."""
        _LOGGER.removeHandler(self)
        super().close()
