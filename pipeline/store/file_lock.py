"""One process for one SQLite file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pipeline.errors import StoreInUseError, StoreUnavailableError

_MAX_NOTE_BYTES = 100


class FileLock:
    """Held from its making until it is released or the process dies, however it dies.

    The lock is on a file beside the database: SQLite's own locks on the database would be lost when any other handle
    of this process on it were closed. The file stays, since removing it would let two processes lock two files.

    Raises:
        StoreInUseError: Another process has it.
        StoreUnavailableError: The file cannot be made.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailableError(f"{path}: cannot lock the store: {error.strerror}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._handle, _MAX_NOTE_BYTES).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise StoreInUseError(
                f"{database}: in use by {holder or 'another process'}: a SQLite file serves one; "
                "for a standby, use PostgreSQL (store.url)"
            ) from error
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"process {os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others have it."""
        os.close(self._handle)
