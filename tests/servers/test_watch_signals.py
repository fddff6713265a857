"""Signals to the daemon as a process."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import kafka_settings
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers


def test_reload_keeps_the_last_good_configuration(broker: Broker, tmp_path: Path) -> None:
    """SIGHUP with a wrong file changes nothing, and with a right one what can be changed."""
    topic = Topics(broker.address()).create()
    store = {"url": f"sqlite:///{tmp_path}/whystuck.db"}
    with closing(Watching(tmp_path / "daemon", {"store": store, "kafka": kafka_settings(broker, topic)})) as daemon:
        file = tmp_path / "daemon" / "whystuck.yaml"
        good = json.loads(file.read_text())
        daemon.start()
        daemon.until_ready()
        file.write_text(json.dumps(good | {"wacth": {}}))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: "configuration.refused" in daemon.printed(), "refused")
        file.write_text(json.dumps(good | {"watch": {"commit_seconds": 1}}))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: "configuration.loaded" in daemon.printed(), "loaded")
        daemon.until_ready()
        assert 143 == daemon.terminate()
