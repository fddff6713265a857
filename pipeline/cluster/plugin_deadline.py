"""Runs an exec plug-in of a kubeconfig, but not for ever: python plugin_deadline.py SECONDS COMMAND [ARGUMENT …].

A program of its own, as the kubernetes client waits for a plug-in until it ends. It is started by its path and imports
nothing of whystuck. What the plug-in prints goes through when it has ended; one that does not is killed with all that
it has started, as a child that is left behind would keep the client's pipes open.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import IO

ENDED_LATE = 124
NOT_STARTED = 127
AT_TERMINAL_SECONDS = 300.0
"""Where the plug-in may speak to a person, who may have to log in somewhere."""


def main(arguments: list[str]) -> int:
    """Run it; the exit status is its own, or one of those above."""
    seconds, *command = arguments
    is_at_terminal = sys.stderr.isatty()
    limit = max(float(seconds), AT_TERMINAL_SECONDS) if is_at_terminal else float(seconds)
    try:
        process = subprocess.Popen(  # noqa: S603 - it is what the kubeconfig says
            command,
            stdout=subprocess.PIPE,
            stderr=None if is_at_terminal else subprocess.PIPE,
            start_new_session=not is_at_terminal,
        )
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_STARTED
    try:
        printed, said = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _kill(process, is_group=not is_at_terminal)
        sys.stderr.write(f"it did not end within {limit:g} s, and was killed\n")
        return ENDED_LATE
    _pass_on(printed, sys.stdout.buffer)
    _pass_on(said or b"", sys.stderr.buffer)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _kill(process: subprocess.Popen[bytes], *, is_group: bool) -> None:
    with contextlib.suppress(OSError):
        if is_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _pass_on(text: bytes, to: IO[bytes]) -> None:
    to.write(text)
    to.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
