"""A server on a free port, and the board it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from pipeline.http.server import HttpServer
from pipeline.http_settings import HttpSettings
from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.status import Check, DaemonRole, DaemonStatus, StatusBoard

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKING = DaemonStatus(DaemonRole.ACTIVE, AT, (Check("source", True, "raw: connected"), Check("store", True)))

Serve = Callable[..., "tuple[HttpServer, str]"]


class Clock:
    """Monotonic seconds that stand still."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The clock of the board."""
    return Clock()


@pytest.fixture
def board(clock: Clock) -> StatusBoard:
    """A daemon that works."""
    return StatusBoard(WORKING, clock)


@pytest.fixture
def serve(board: StatusBoard) -> Iterator[Serve]:
    """Starts servers with some settings, and ends them."""
    running: list[HttpServer] = []

    def start(**settings: object) -> tuple[HttpServer, str]:
        chosen = HttpSettings(**({"listen": "127.0.0.1:0"} | settings))  # type: ignore[arg-type]
        server = HttpServer(chosen, board, Metrics(MetricsSettings(), "1.2.3"))
        url = server.start()
        running.append(server)
        return server, url

    yield start
    for server in running:
        server.stop()
