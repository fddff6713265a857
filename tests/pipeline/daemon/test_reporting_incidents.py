"""What the daemon's own log says of an incident."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.daemon.reporting import Reporter
from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.status import DaemonRole, DaemonStatus, StatusBoard
from pipeline.store.records import Commit
from tests.pipeline.daemon.running import run, source_of, stored

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("are_names_hidden", [False, True])
def test_log_says_what_is_stuck(tmp_path: Path, caplog: pytest.LogCaptureFixture, *, are_names_hidden: bool) -> None:
    """Whoever reads only the log knows what is stuck and why; without names it says which incident it is."""
    store = tmp_path / "whystuck.db"
    run(source_of("emissary-refused"), store)
    (incident,) = stored(store)
    caplog.set_level(logging.INFO)
    caplog.clear()
    board = StatusBoard(DaemonStatus(DaemonRole.ACTIVE, AT))
    reporter = Reporter(board, Metrics(MetricsSettings(), "1"), now=lambda: AT, are_names_hidden=are_names_hidden)

    reporter.committed(Commit(AT, incidents=(incident,)), 0.1)

    (told,) = [record for record in caplog.records if record.getMessage() == "incident.changed"]
    assert incident.id in str(vars(told))
    assert are_names_hidden == (incident.title not in str(vars(told)))
