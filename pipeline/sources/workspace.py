"""Room for temporary files: one private directory, made when first needed and always removed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pipeline.sources.journal import BrokenInputError, InputProblem, cannot_read


class Workspace:
    """Holds what must be read twice or in another order."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._directory: Path | None = None
        self._file_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._directory = None

    def spool(self, source: str, chunks: Iterable[bytes]) -> Path:
        """Write chunks to a new file, which the caller deletes when it is done with it.

        Raises:
            BrokenInputError: there is no room. What `chunks` raises passes through. Either way no file is left.
        """
        path = self.new_path(source)
        try:
            with path.open("wb") as file:
                for chunk in chunks:
                    write_all(source, file, chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def new_path(self, source: str) -> Path:
        """Return a path where nothing is yet."""
        try:
            if self._directory is None:
                name = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="whystuck-"))
                self._directory = Path(name)
        except OSError as error:
            raise BrokenInputError(_no_room(source, error)) from error
        self._file_count += 1
        return self._directory / str(self._file_count)


def write_all(source: str, file: BinaryIO, chunk: bytes) -> None:
    """Write to a temporary file.

    Raises:
        BrokenInputError: there is no room.
    """
    try:
        file.write(chunk)
    except OSError as error:
        raise BrokenInputError(_no_room(source, error)) from error


def _no_room(source: str, error: OSError) -> InputProblem:
    why = f"it must be copied to the temporary directory first: {(error.strerror or 'failed').lower()}"
    return cannot_read(source, why, "make room there, or set TMPDIR to a larger place")
