"""What the kubernetes client says where it should raise: it logs, as the root of all loggers, and goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def listening(said: list[str]) -> Iterator[None]:
    """Take the errors that this thread logs meanwhile."""
    thread, root = threading.get_ident(), logging.getLogger()

    def take(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.levelno < logging.ERROR:
            return True
        said.append(record.getMessage())
        return False

    root.addFilter(take)
    try:
        yield
    finally:
        root.removeFilter(take)
