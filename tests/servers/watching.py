"""The real daemon as a process: `whystuck watch` with a configuration, killed and asked as operators would."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.servers.ports import free_ports
from tests.servers.processes import start_tied

SECONDS = 240.0
"""After this, something that should happen does not: machines may be slow and busy, and nothing waits in vain."""
TAIL = 3000
"""So many characters of the log are shown where something is not as it should be."""
COMMAND = (sys.executable, "-c", "from pipeline.cli.main import main; main()")
"""`whystuck`."""

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks thirty times as fast as a client that reads the machine's authorities first: what waits asks all the time."""


class Watching:
    """One daemon: a configuration in a directory, and the process that runs now, if one does."""

    def __init__(self, directory: Path, settings: Mapping[str, Any], command: tuple[str, ...] = COMMAND) -> None:
        """Write the configuration; nothing is started.

        Args:
            directory: where the daemon works; it is made.
            settings: the configuration; of `http` the address is added.
            command: what to run in the place of `whystuck`.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.log = directory / "whystuck.log"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        (port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        self._configuration = directory / "whystuck.yaml"
        written = {**settings, "http": {"listen": f"127.0.0.1:{port}", **settings.get("http", {})}}
        self._configuration.write_text(json.dumps(written), encoding="utf-8")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start `whystuck watch`; settings of this machine's environment are not for it."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("WHYSTUCK_")}
        command = [*self._command, "watch", "--config", str(self._configuration), *arguments]
        self._process = start_tied(command, self.log, variables | dict(environment or {}))

    def run_once(self) -> None:
        """Read what is there and end as a replay does."""
        self.start("--once")
        assert self.wait() == 0, self.printed()

    def kill(self) -> None:
        """Kill it as kill -9 does."""
        self.process.kill()
        self.process.wait(SECONDS)

    def terminate(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait for its end; its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            error.add_note(self.printed()[-TAIL:])
            raise

    def printed(self) -> str:
        """Everything that it has printed, over all starts."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def ask(self, path: str) -> tuple[int, str]:
        """Status and body of an end-point; status 0: nobody answers."""
        try:
            with _opener.open(self.address + path, timeout=SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series of a name with these labels; 0: there is none."""
        _, text = self.ask("/metrics")
        series = "".join(
            line for line in text.splitlines(keepends=True) if line.startswith(name)
        )  # to parse all takes long
        return sum(
            sample.value
            for family in text_string_to_metric_families(series)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def until(
        self, is_so: Callable[[], object], what: str = "", seconds: float = SECONDS, every_seconds: float = 0.05
    ) -> None:
        """Wait until something is so, while the process runs."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert self.is_running, f"ended with {self.process.returncode}: {self.printed()[-TAIL:]}"
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} is not so: {self.ask('/readyz?verbose')}: {self.printed()[-TAIL:]}")
            time.sleep(every_seconds)

    def until_metric(self, expected: float, name: str, **labels: str) -> None:
        """Wait until a metric has a value: it follows what it counts a moment later."""
        self.until(lambda: self.metric(name, **labels) == expected, f"{name} {labels} is {expected:g}")

    def until_ready(self) -> None:
        """Wait until it works."""
        self.until(lambda: self.ask("/readyz")[0] == 200, "ready")

    def close(self) -> None:
        """End it at once, if it runs."""
        if self.is_running:
            self.kill()
