"""Ports of 127.0.0.1 for servers that tests start, kill, and start again on the same port.

They lie outside the range from which the kernel takes ports for connections and for whoever leaves the choice to it,
and test processes share them out by locks: none is taken before its server starts, or while that is dead.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
from pathlib import Path

_FIRST, _STOP = 10_000, 65_536
_BLOCK = 50
"""So many ports are locked at once. Byte n of one file stands for port n; its lock goes with the process."""
_KERNELS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL = "32768 60999"


class Ports:
    """Those of one process, until it ends."""

    def __init__(self) -> None:
        self._locks: int | None = None  # a file, never closed: any closing would let go of all its locks
        self._blocks = _blocks()  # not locked by this process
        self._own: list[int] = []  # of its blocks, what nobody has got yet

    def free(self, count: int) -> list[int]:
        """Ports on which nothing listens, and that no other test process gets.

        Raises:
            RuntimeError: there are none left.
        """
        return [self._next() for _ in range(count)]

    def _next(self) -> int:
        while True:
            if not self._own:
                self._own.extend(self._lock_block())
            port = self._own.pop()
            if _is_free(port):
                return port

    def _lock_block(self) -> range:
        if self._locks is None:
            self._locks = os.open(_lock_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        while self._blocks:
            begin = self._blocks.pop()
            try:
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, begin)
            except OSError:  # another process has it
                continue
            return range(begin, begin + _BLOCK)
        raise RuntimeError("this and other test processes have used up all ports")


def _lock_file() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whystuck-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "ports.lock"


def _blocks() -> list[int]:
    """The first ports of all blocks, in any order: outside the kernel's range, unless that leaves none."""
    text = _KERNELS.read_text() if _KERNELS.exists() else _USUAL
    first, last = map(int, text.split())
    everything = range(_FIRST, _STOP - _BLOCK, _BLOCK)
    outside = [begin for begin in everything if begin + _BLOCK <= first or begin > last] or list(everything)
    random.SystemRandom().shuffle(outside)
    return outside


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


free_ports = Ports().free
