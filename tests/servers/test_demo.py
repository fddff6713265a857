"""`make demo` does what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kafka_jars import fetch_jars
from tests.servers.postgresql import find_programs
from tests.servers.requirement import missing

ROOT = Path(__file__).parents[2]
TITLE = "certificate of emissary-apiext.emissary-system.svc has expired"


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter, too."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.servers
def test_the_whole_thing(temporary: Path) -> None:
    """The incident arrives signed, the active daemon is killed, the standby tells the rest; all of it ends."""
    fetch_jars()
    if find_programs() is None:
        missing("no PostgreSQL server here: without it, the demo has no standby")
    command = [sys.executable, "-m", "deploy.demo.run", "--speed", "240"]
    variables = {**os.environ, "TMPDIR": str(temporary)}

    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=1200, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
    story = [
        rf"receiver: verified  msg_\w+  opened  .*{TITLE}",
        r"daemon A is killed",
        r"daemon B is active",
        rf"receiver: verified  msg_\w+  resolved  .*{TITLE}",
        r"the producer has ended with status 0",
        r"Kafka has ended",
        r"every signature was right",
    ]
    assert re.search(".*".join(story), done.stdout, re.DOTALL), done.stdout
    assert "" == done.stderr
    assert [] == list(temporary.iterdir())
