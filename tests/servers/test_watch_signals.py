"""Signals to the daemon as a process."""

from __future__ import annotations

import json
import signal
import ssl
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.pipeline.http.certificates import make_certificate
from tests.scenarios.scenarios import replayed
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings, lines_of_log, play
from tests.servers.ports import free_ports
from tests.servers.stored import Stored, comparable
from tests.servers.watching import Watching

pytestmark = pytest.mark.servers
SCENARIO = "seed-emissary-expired"


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


def test_second_signal_ends_at_once_and_nothing_is_lost(broker: Broker, tmp_path: Path) -> None:
    """In the middle of reading; the exit code says that nothing was waited for."""
    topics = Topics(broker.address())
    topic = topics.create(settings=KEPT)
    play(topics, topic, lines_of_log(SCENARIO))
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {
        "store": {"url": stored.url},
        "kafka": kafka_settings(broker, topic, max_poll_records=20),
        "watch": {"batch_lines": 20, "commit_seconds": 0.02},
    }
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start()
        daemon.until(stored.next_offsets, "reading has begun")
        daemon.process.send_signal(signal.SIGSTOP)  # so that it finds both when it goes on
        daemon.process.send_signal(signal.SIGINT)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGCONT)
        assert daemon.wait() in (130, 143)  # of two signals that wait, either may come first
        daemon.run_once()
    assert comparable(replayed(SCENARIO)) == stored.incidents()
    assert len(stored.outbox()) == len({row[:2] for row in stored.outbox()})


def test_settings_from_the_environment_and_secrets_from_files(broker: Broker, tmp_path: Path) -> None:
    """TLS and a token guard the metrics; a variable stands above the file; no secret is printed."""
    topic = Topics(broker.address()).create()
    certificate = make_certificate(tmp_path, "whystuck")
    (tmp_path / "token").write_text("open-sesame\n")
    (port,) = free_ports(1)
    files = {"certificate_file": str(certificate.certificate), "key_file": str(certificate.key)}
    settings = {
        "store": {"url": f"sqlite:///{tmp_path}/wrong.db"},
        "kafka": kafka_settings(broker, topic),
        "http": {"listen": f"127.0.0.1:{port}", "token_file": str(tmp_path / "token"), **files},
    }
    variables = {"WHYSTUCK_STORE_URL": f"sqlite:///{tmp_path}/right.db"}
    trusted = ssl.create_default_context(cafile=str(certificate.certificate))
    address = f"https://127.0.0.1:{port}"
    with (
        closing(Watching(tmp_path / "daemon", settings)) as daemon,
        httpx.Client(verify=trusted, trust_env=False, timeout=240) as http,
    ):
        daemon.start(environment=variables)
        daemon.until(lambda: "role=active" in daemon.printed(), "active")
        assert 200 == http.get(f"{address}/livez").status_code
        assert 401 == http.get(f"{address}/metrics").status_code
        answer = http.get(f"{address}/metrics", headers={"Authorization": "Bearer open-sesame"})
        assert (200, True) == (answer.status_code, "whystuck_build_info" in answer.text)
        assert 143 == daemon.terminate()
        assert "open-sesame" not in daemon.printed()
    assert (tmp_path / "right.db").exists()
    assert not (tmp_path / "wrong.db").exists()
