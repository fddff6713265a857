"""Processes that tests start, and that are never left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Runs before the server in its process: the kernel kills the server when the test process dies, however it dies.
_TIE = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the test process is gone")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def start_tied(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that ends with this process at the latest; what it prints is appended to the log."""
    tied = [sys.executable, "-c", _TIE, str(os.getpid()), *command] if sys.platform == "linux" else list(command)
    with log.open("ab") as output:
        return subprocess.Popen(
            tied, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
        )
