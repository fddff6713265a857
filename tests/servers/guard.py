"""Runs a server for a test: when the test ends, however it ends, the server is ended and its folder removed.

    python guard.py FOLDER COMMAND…

The sign is the end of standard input: the test holds the other end, and a killed test lets go of it. Meanwhile the
server may come to an end by itself. (Linux could kill a server when its parent dies, but forgets that when the server's
user is changed, and would leave the folder.)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys

SECONDS_TO_END = 10


def main(folder: str, *command: str) -> None:
    """Start it, wait for the end of the test, clean up. Runs in a session of its own: Ctrl-C is for the test."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    print(server.pid, flush=True)
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError):
        server.send_signal(signal.SIGINT)
    try:
        server.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
