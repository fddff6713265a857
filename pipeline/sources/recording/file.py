"""The file of a recording: only ever added to, by one process, readable by its owner only."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.sources.recording.compressing import compressor_for
from pipeline.sources.recording.repairing import NotARecordingError, find_place

_CODECS = {".gz": "gzip", ".zst": "zstd"}
_BUFFER_BYTES = 1024 * 1024
_ADVICE = {
    errno.ENOENT: "make its directory first",
    errno.EISDIR: "name a file in it",
    errno.EACCES: "run whystuck as a user who may write there",
    errno.EROFS: "name a file on a volume that can be written",
    errno.ENOSPC: "make room",
}


class RecordingFile:
    """Text is added, and stored when it is flushed."""

    def __init__(self, path: Path) -> None:
        """Open the file behind what it holds; it is made where it is missing. A record that was cut is taken off.

        Raises:
            ConfigurationError: It cannot be written, is no recording, or another process writes it.
        """
        self._path = path
        self._compressor = compressor_for(path.suffix)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            self.size_bytes = self._take_over()
        except BaseException:
            os.close(self._handle)
            raise

    def _take_over(self) -> int:
        """Make the file ours; the size of what is kept of it."""
        path = self._path
        if not stat.S_ISREG(os.fstat(self._handle).st_mode):
            raise ConfigurationError(f"watch.record: {path}: not a regular file; name one")
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"watch.record: {path}: another process writes it; name another file for each process"
            ) from error
        try:
            place = find_place(self._handle, _CODECS.get(path.suffix, ""))
            os.ftruncate(self._handle, place.size_bytes)
            os.lseek(self._handle, place.size_bytes, os.SEEK_SET)
            self.size_bytes = place.size_bytes
            if place.text:
                self.add(place.text)
                self.flush()
        except NotARecordingError as error:
            raise ConfigurationError(
                f"watch.record: {path}: cannot be added to: {error}; name a new file, or move this one away"
            ) from error
        except OSError as error:
            raise _unusable(path, error) from error
        return self.size_bytes

    def add(self, text: bytes) -> None:
        """Add text, which may be stored later.

        Raises:
            OSError: It could not be stored.
        """
        self._pending.append(text)
        self._pending_bytes += len(text)
        if self._pending_bytes >= _BUFFER_BYTES:
            self._store(self._compressed())

    def flush(self) -> None:
        """Store what was added; a process that is killed afterwards takes nothing of it along.

        Raises:
            OSError: It could not be stored.
        """
        self._store(self._compressed() + self._compressor.flush())

    def close(self) -> None:
        """Store what was added, and let go of the file.

        Raises:
            OSError: It could not be stored. The file is let go of.
        """
        try:
            self._store(self._compressed() + self._compressor.end())
        finally:
            os.close(self._handle)

    def abandon(self) -> None:
        """Let go of a file that cannot be written any more."""
        os.close(self._handle)

    def _compressed(self) -> bytes:
        text = b"".join(self._pending)
        self._pending, self._pending_bytes = [], 0
        return self._compressor.add(text) if text else b""

    def _store(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            written = os.write(self._handle, left)
            self.size_bytes += written
            left = left[written:]


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    why = (error.strerror or type(error).__name__).lower()
    advice = _ADVICE.get(error.errno or 0, "name another file")
    return ConfigurationError(f"watch.record: {path}: cannot be written: {why}; {advice}")
