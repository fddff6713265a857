"""A real Alertmanager for tests, and a receiver behind it."""

from __future__ import annotations

import http.server
import json
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.ports import free_ports
from tests.servers.processes import start_tied
from tests.servers.requirement import missing

SECONDS_TO_START = 120
ANSWER_SECONDS = 120
_NAMES = ("prometheus-alertmanager", "alertmanager")
_CONFIGURATION = """
route:
  receiver: test
  group_by: [cluster]
  group_wait: 500ms
  group_interval: 1s
receivers:
- name: test
  webhook_configs:
  - {{url: "http://127.0.0.1:{port}/", send_resolved: true}}
"""


class Alertmanager:
    """One server: where it is, and what it sends."""

    def __init__(self, url: str, sent: queue.Queue[dict[str, Any]]) -> None:
        self.url = url
        self.sent = sent

    def push(self, body: bytes) -> int:
        """Give it alerts; what it answers."""
        headers = {"Content-Type": "application/json"}
        return httpx.post(
            f"{self.url}/api/v2/alerts", content=body, headers=headers, trust_env=False, timeout=ANSWER_SECONDS
        ).status_code

    def groups(self) -> list[dict[str, Any]]:
        """The groups of alerts that it has."""
        return httpx.get(f"{self.url}/api/v2/alerts/groups", trust_env=False, timeout=ANSWER_SECONDS).json()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """One that sends at once."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        missing("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    with _receiving() as (port, sent):
        configuration = tmp_path / "alertmanager.yml"
        configuration.write_text(_CONFIGURATION.format(port=port))
        (listening,) = free_ports(1)
        process = start_tied(
            [
                program,
                f"--config.file={configuration}",
                f"--storage.path={tmp_path}/storage",
                f"--web.listen-address=127.0.0.1:{listening}",
                "--cluster.listen-address=",
            ],
            tmp_path / "alertmanager.log",
        )
        try:
            _wait_for(process, listening, tmp_path / "alertmanager.log")
            yield Alertmanager(f"http://127.0.0.1:{listening}", sent)
        finally:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Alertmanager did not start: {log.read_text(errors='replace')[-2000:]}", pytrace=False)


@contextmanager
def _receiving() -> Iterator[tuple[int, queue.Queue[dict[str, Any]]]]:
    """A receiver of webhooks: its port, and what comes."""
    sent: queue.Queue[dict[str, Any]] = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            sent.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
