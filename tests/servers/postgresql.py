"""A real PostgreSQL for tests, on a free port of the loopback interface."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.servers.ports import free_ports
from tests.servers.requirement import missing

GUARD = Path(__file__).with_name("guard.py")
SECONDS_TO_START = 240
_ACCOUNTS = ("postgres", "nobody")
"""Who the server runs as where the tests run as root: it refuses to be root."""


class PostgreSQL:
    """One server; `crash` and `start` again as often as wanted."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._account = _account()
        self._folder = Path(tempfile.mkdtemp(prefix="whystuck-pg-"))
        self._guards: list[subprocess.Popen[bytes]] = []
        self._numbers = itertools.count(1)
        self.port = 0
        self._pid = 0
        if self._account is not None:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        self._run("initdb", "-D", str(self._folder / "data"), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8")

    def url(self, database: str = "postgres", *, port: int | None = None) -> str:
        """Where a database is."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def start(self) -> None:
        """Start it and wait until it answers; on the same port, if it ran before."""
        self.port = self.port or free_ports(1)[0]
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            self._run_server()
            if self._answers(deadline):
                return
            time.sleep(0.5)  # processes of a server that crashed may still be ending
        printed = "".join(file.read_text(errors="replace") for file in sorted((self._folder / "log").glob("*.log")))
        pytest.fail(f"PostgreSQL did not start: {printed[-3000:]}", pytrace=False)

    def _run_server(self) -> None:
        command = [*self._as_account(), *self._switches(), "-p", str(self.port)]
        guard = subprocess.Popen(
            [sys.executable, str(GUARD), str(self._folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._guards.append(guard)
        assert guard.stdout is not None
        self._pid = int(guard.stdout.readline())

    def crash(self) -> None:
        """End it at once, as a power failure would; it recovers at the next start."""
        os.kill(self._pid, signal.SIGQUIT)
        deadline = time.monotonic() + SECONDS_TO_START
        while (self._folder / "data" / "postmaster.pid").exists():
            assert time.monotonic() < deadline, "PostgreSQL does not end"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and remove everything."""
        for guard in self._guards:
            guard.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _switches(self) -> list[str]:
        data = self._folder / "data"
        settings = (
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "logging_collector=on",
            f"log_directory={self._folder}/log",
        )
        options = [part for setting in settings for part in ("-c", setting)]
        return [str(self._programs / "postgres"), "-D", str(data), "-k", str(self._folder), *options]

    def _as_account(self) -> list[str]:
        if self._account is None:
            return []
        user, group = self._account.pw_uid, self._account.pw_gid
        return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_account(), str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder)

    def _answers(self, deadline: float) -> bool:
        while time.monotonic() < deadline and not _has_ended(self._pid):
            try:
                psycopg.connect(self.url(), connect_timeout=60).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False


def _has_ended(process: int) -> bool:
    """Whether it has, and its guard has not looked yet; no: nobody can say."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "Z"


def find_programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version first; distributions keep it off the PATH."""
    on_path = shutil.which("postgres")
    places: Sequence[Path] = [Path(on_path).parent] if on_path else []
    for root, pattern in (("/usr/lib/postgresql", "*/bin"), ("/usr", "pgsql-*/bin")):
        places = [*places, *sorted(Path(root).glob(pattern), key=_version, reverse=True)]
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdecimal, folder.parent.name))
    return int(digits or 0)


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in _ACCOUNTS if name in known)


def _run_server() -> Iterator[PostgreSQL]:
    programs = find_programs()
    if programs is None:
        missing("no PostgreSQL server here: install the package postgresql of your distribution")
    server = PostgreSQL(programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server that all tests share; each has a database of its own."""
    yield from _run_server()


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A server for one test, which may crash it."""
    yield from _run_server()
