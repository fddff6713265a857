"""One real Kafka broker (KRaft, a single node) on 127.0.0.1, for tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.ports import free_ports
from tests.servers.processes import start_tied

CLUSTER_ID = "wS5tuckTestsKafka0000A"
READY_SECONDS = 300.0
STOP_SECONDS = 120.0
_JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")

BASE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    # These want three brokers by default.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    # Small and quick.
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "100",
    "auto.create.topics.enable": "false",
    "message.max.bytes": "20000000",
    # After kill -9 the port opens when the old registration has expired: 9 s by default.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
}


class Installation:
    """The jars, a Java, and a formatted data directory that brokers start from."""

    def __init__(self, java: str, jars: Path, directory: Path) -> None:
        self._java = java
        self._jars = jars
        self._directory = directory

    def command(self, main_class: str, *arguments: str) -> list[str]:
        """A command of Kafka's."""
        return [self._java, *_JVM, "-cp", f"{self._jars}/*", main_class, *arguments]

    def formatted(self, scram_users: Sequence[str]) -> Path:
        """A data directory to copy; it is made once. A user is written as `SCRAM-SHA-512=[name=…,password=…]`."""
        properties = self._directory / "format.properties"
        target = self._directory / "formatted"
        if not target.exists():
            settings = BASE | _addresses({"PLAINTEXT": 1}, 2) | {"log.dirs": str(target)}
            properties.write_text(_as_properties(settings), encoding="utf-8")
            arguments = [part for user in scram_users for part in ("--add-scram", user)]
            command = self.command(
                "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties), *arguments
            )
            subprocess.run(command, check=True, capture_output=True, timeout=READY_SECONDS)
        return target


class Broker:
    """A broker in a directory of its own."""

    def __init__(
        self,
        installation: Installation,
        formatted: Path,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        listeners: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a broker.

        Args:
            installation: what to run.
            formatted: data directory to start from.
            directory: where it works; it must not exist.
            settings: more settings.
            listeners: more listeners: name -> SSL, SASL_PLAINTEXT or SASL_SSL.
        """
        self._installation = installation
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        names = ["PLAINTEXT", *(listeners or {})]
        *ports, controller = free_ports(len(names) + 1)
        self.ports = dict(zip(names, ports, strict=True))
        self.data = directory / "data"
        shutil.copytree(formatted, self.data)
        protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **(listeners or {})}
        everything = BASE | _addresses(self.ports, controller) | dict(settings or {})
        everything["listener.security.protocol.map"] = ",".join(f"{name}:{kind}" for name, kind in protocols.items())
        everything["log.dirs"] = str(self.data)
        (directory / "server.properties").write_text(_as_properties(everything), encoding="utf-8")

    def address(self, listener: str = "PLAINTEXT") -> str:
        """host:port of a listener."""
        return f"127.0.0.1:{self.ports[listener]}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = self.directory / "broker.log"
        command = self._installation.command("kafka.Kafka", str(self.directory / "server.properties"))
        self._process = start_tied(command, log, {"PATH": os.environ.get("PATH", "")})
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(self.ports["PLAINTEXT"]):
            if self._process.poll() is not None or time.monotonic() > deadline:
                printed = log.read_bytes()[-3000:].decode(errors="replace")
                self.kill()
                raise RuntimeError(f"the Kafka broker did not start: {printed}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it cleanly."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Kill it as kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Stop it from doing anything, connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def revive(self) -> None:
        """Bring it back, whatever was done to it."""
        if self._process is None:
            self.start()
        else:
            self.thaw()


def _addresses(ports: Mapping[str, int], controller: int) -> dict[str, str]:
    listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
    return {
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": listeners,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }


def _as_properties(settings: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _answers(port: int) -> bool:
    """An ApiVersions request is answered: the port serves."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        request = struct.pack(">hhih", 18, 0, 1, 4) + b"wait"
        connection.sendall(struct.pack(">i", len(request)) + request)
        return len(connection.recv(4)) == 4
    return False
