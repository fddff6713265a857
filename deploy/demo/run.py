"""`make demo`: the topology of docker-compose.yml on this machine without containers, and one daemon is killed.

Everything is real and listens on free ports of the loopback address; it works in a folder that is removed at the end.
Where there is no PostgreSQL the store is SQLite, which has no standby: the daemon that was killed is started again.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

from deploy.demo.arrivals import Arrivals
from deploy.demo.make_secrets import signing_secret
from deploy.demo.servers import TOPIC, Servers
from tests.servers.ports import free_ports
from tests.servers.processes import start_tied
from tests.servers.watching import Watching

HERE = Path(__file__).parent
LOG = HERE.parents[1] / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log"
PATIENCE_SECONDS = 120.0
"""For what takes seconds, on a machine that has a lot to do."""
TERMINATED = 143
"""How a daemon ends that was asked to."""


class Demo:
    """Everything that runs, and what is done with it."""

    def __init__(self, stack: ExitStack, folder: Path, speed: float) -> None:
        self._stack = stack
        self._folder = folder
        self._speed = speed
        self._began = time.monotonic()
        self._servers = Servers(stack, folder, self._tell)
        self._secrets = folder / "signing_secrets"
        self._secrets.write_text(signing_secret() + "\n", encoding="utf-8")
        self._arrivals = Arrivals(folder / "record.jsonl", self._tell)
        self._settings: dict[str, Any] = {
            "cluster": "demo",
            "kafka": self._servers.kafka_settings,
            "store": self._servers.store_settings(),
            # Played faster than real time, the first lines are as old as what is saved.
            "watch": {"notify_max_age_seconds": 7200},
        }

    def run(self) -> None:
        """The whole story."""
        receiver = self._start_receiver()
        first = self._start_daemon("A", "active")
        standby = self._start_daemon("B", "standby") if self._servers.allow_standby else None
        producer = self._start_producer()
        self._wait(first, "opened", PATIENCE_SECONDS)
        first.kill()
        self._tell("daemon A is killed: SIGKILL")
        killed_at = time.monotonic()
        if standby is not None:
            self._until(standby, "active")
            self._tell(f"daemon B is active {time.monotonic() - killed_at:.1f} s later")
        second = standby or self._start_daemon("A", "active")
        self._wait(second, "resolved", 3600 / self._speed + PATIENCE_SECONDS)
        self._expect("producer", producer.wait(PATIENCE_SECONDS), 0)
        self._expect("daemon", second.terminate(), TERMINATED)
        receiver.terminate()
        self._expect("receiver", receiver.wait(PATIENCE_SECONDS), 0)
        self._servers.stop()
        self._conclude()

    def _tell(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:5.1f} s  {text}", flush=True)

    def _start_receiver(self) -> subprocess.Popen[bytes]:
        (port,) = free_ports(1)
        address = f"127.0.0.1:{port}"
        options = ["--secrets-file", str(self._secrets), "--record", str(self._arrivals.record)]
        receiver = self._start("receiver.py", "--listen", address, *options)
        self._settings["delivery"] = {
            "receivers": [
                {
                    "name": "demo",
                    "url": f"http://{address}/",
                    "signing_secrets_file": str(self._secrets),
                    "allow_networks": ["127.0.0.0/8"],
                }
            ]
        }
        self._tell(f"the receiver listens on {address}, and believes what is signed with a secret made just now")
        return receiver

    def _start_daemon(self, name: str, role: str) -> Watching:
        daemon = Watching(self._folder / f"daemon-{name}-{time.monotonic_ns()}", self._settings)
        self._stack.callback(daemon.close)
        daemon.start()
        daemon.until_ready()
        self._until(daemon, role)
        self._tell(f"daemon {name} is {role}: process {daemon.process.pid}")
        return daemon

    def _start_producer(self) -> subprocess.Popen[bytes]:
        options = ["--bootstrap-servers", self._servers.broker.address(), "--topic", TOPIC, "--speed", str(self._speed)]
        producer = self._start("producer.py", str(LOG), *options)
        log = f"{LOG.parent.name}/{LOG.name}"
        self._tell(f"the producer plays {log} into Kafka, {self._speed:g} times as fast as it was written")
        return producer

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        process = start_tied([sys.executable, str(HERE / program), *arguments], self._folder / f"{program}.log")
        self._stack.callback(process.kill)
        return process

    def _until(self, daemon: Watching, role: str) -> None:
        daemon.until(lambda: daemon.metric("whystuck_role", role=role), role, PATIENCE_SECONDS)

    def _wait(self, daemon: Watching, transition: str, seconds: float) -> None:
        daemon.until(lambda: self._arrivals.has(transition), f"{transition} at the receiver", seconds)

    def _expect(self, what: str, status: int, wanted: int) -> None:
        assert status == wanted, f"the {what} has ended with status {status}"
        self._tell(f"the {what} has ended with status {status}")

    def _conclude(self) -> None:
        self._arrivals.look()
        assert not self._arrivals.problems(), "; ".join(self._arrivals.problems())
        messages = self._arrivals.all
        ids = {each.message_id for each in messages}
        self._tell(f"{len(messages)} messages came, of {len(ids)} notifications; every signature was right")


def main() -> int:
    """0: it went as it has to, and nothing of it runs any more."""
    parser = argparse.ArgumentParser(description="Kafka, a store, two daemons, a producer, a receiver; one dies.")
    parser.add_argument("--speed", type=float, default=60.0, help="60: an hour in a minute")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    try:
        with tempfile.TemporaryDirectory(prefix="whystuck-demo-") as folder, ExitStack() as stack:
            Demo(stack, Path(folder), arguments.speed).run()
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError, psycopg.Error) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:  # as the tests say that a server is missing
        print(f"demo: {missing}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _end(*_: object) -> NoReturn:
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
