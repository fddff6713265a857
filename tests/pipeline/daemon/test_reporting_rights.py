"""Missing rights are told once, and when that changes."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from pipeline.daemon.reporting import Reporter
from pipeline.engine.engine import Engine
from pipeline.engine.settings import EngineSettings
from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.sources.live import SourceStatus
from pipeline.status import DaemonRole, DaemonStatus, StatusBoard
from tests.scenarios.scenarios import built_in_rules

AT = datetime(2026, 3, 1, tzinfo=UTC)
LEASES, SETS = "leases may not be read", "replicasets may not be read"


def test_missing_rights_are_told_when_they_change(caplog: pytest.LogCaptureFixture) -> None:
    """However often the status is published; all that are missing now stand on the board."""
    caplog.set_level(logging.INFO)
    board = StatusBoard(DaemonStatus(DaemonRole.STARTING, AT))
    reporter = Reporter(board, Metrics(MetricsSettings(), "1"), now=lambda: AT)
    reporter.role(DaemonRole.ACTIVE)
    engine = Engine(EngineSettings(), built_in_rules())
    boards = []
    caplog.clear()
    for unread in [(LEASES,), (LEASES,), (LEASES, SETS), (SETS,), ()]:
        reporter.publish({"objects": SourceStatus(True, True, {}, unread=unread)}, engine, is_backlog_full=False)
        boards.append(board.status.warnings)

    told = [record.getMessage() for record in caplog.records]
    assert 2 == sum("right_missing" in line for line in told)
    assert 2 == sum("right_given" in line for line in told)
    expected = [(f"objects: {LEASES}",), (f"objects: {LEASES}",), (f"objects: {LEASES}", f"objects: {SETS}")]
    assert [*expected, (f"objects: {SETS}",), ()] == boards
    assert all(check.is_ok for check in board.status.checks if check.name == "source-objects")
