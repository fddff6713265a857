"""A test that is killed leaves no server behind. Needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers.postgresql import GUARD

HOLDER = """
import subprocess, sys
guard = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE, start_new_session=True)
guard.wait()
"""


def test_server_ends_and_its_folder_goes_when_the_test_is_killed(tmp_path: Path) -> None:
    """The server here is a Python that would wait for ever; it holds the standard output that is read to its end."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(GUARD), str(folder), *server], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        int(holder.stdout.readline())
        holder.kill()
        assert b"" == holder.stdout.read()
    assert not folder.exists()
