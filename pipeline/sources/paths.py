"""From the arguments of the command line to the files behind them: directories, globs, `-` and URLs."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pipeline.sources.journal import Journal, SkipReason, cannot_read, describe_os_error
from pipeline.sources.local import local_part, refuse_kind, stdin_part
from pipeline.sources.parts import Part
from pipeline.sources.remote import is_remote, remote_parts

STDIN = "-"


class PathExpander:
    """Finds the files behind path arguments. Each file is found once, however many ways lead to it."""

    def __init__(self, journal: Journal, stdin: BinaryIO) -> None:
        self._journal = journal
        self._stdin = stdin
        self._seen: set[tuple[int, int] | str] = set()
        self.repeated_count = 0  # ways to a file or directory that was reached before

    def expand(self, argument: str) -> list[Part]:
        """Return the files behind one argument, sorted; what is wrong with it goes to the journal."""
        if argument == STDIN:
            is_first = self._is_new(STDIN)
            return [stdin_part(STDIN, self._stdin, self._journal)] if is_first else []
        if argument.startswith("file://"):
            argument = url2pathname(urlsplit(argument).path)
        if is_remote(argument):
            return remote_parts(argument, self._journal) if self._is_new(argument) else []
        # A file that is really named so comes before what its name would mean as a pattern.
        if glob.has_magic(argument) and not os.path.lexists(argument):
            return self._expand_glob(argument)
        return list(self._expand_path(argument, is_explicit=True))

    def _expand_glob(self, pattern: str) -> list[Part]:
        matches = sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207, absolute patterns too
        if not matches:
            self._journal.report(cannot_read(pattern, "no file matches it", "check the pattern"))
        return [part for match in matches for part in self._expand_path(match, is_explicit=False)]

    def _expand_path(self, source: str, *, is_explicit: bool) -> Iterator[Part]:
        status = self._status(source)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._expand_directory(source, status)
            return
        problem = refuse_kind(source, status.st_mode)
        if problem is not None:
            self._journal.report(problem)
        elif self._is_new((status.st_dev, status.st_ino)):
            yield local_part(source, Path(source), status, self._journal, is_explicit=is_explicit)
        else:
            self._journal.skip(source, SkipReason.SAME_FILE, is_explicit=is_explicit)

    def _expand_directory(self, source: str, status: os.stat_result) -> Iterator[Part]:
        if not self._is_new((status.st_dev, status.st_ino)):
            # A symbolic link that leads in a circle, or a second way to the same place.
            self._journal.skip(source, SkipReason.SAME_FILE, is_explicit=True)
            return
        try:
            with os.scandir(source) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._journal.report(describe_os_error(source, error))
            return
        for entry in entries:
            yield from self._expand_entry(os.path.join(source, entry.name), entry.name)  # noqa: PTH118, as given

    def _expand_entry(self, source: str, name: str) -> Iterator[Part]:
        if name.startswith("."):
            self._journal.skip(source, SkipReason.HIDDEN)
            return
        status = self._status(source)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
            yield from self._expand_path(source, is_explicit=False)
        else:
            self._journal.skip(source, SkipReason.SPECIAL)  # reading a FIFO that nobody named could wait for ever

    def _status(self, source: str) -> os.stat_result | None:
        path = Path(source)
        try:
            return path.stat()
        except OSError as error:
            problem = describe_os_error(source, error)
            if isinstance(error, FileNotFoundError) and path.is_symlink():
                problem = cannot_read(source, "the symbolic link points to nothing", "give the file it should lead to")
            self._journal.report(problem)
        except ValueError:
            self._journal.report(cannot_read(source, "a path cannot hold a NUL character", "check the path"))
        return None

    def _is_new(self, identity: tuple[int, int] | str) -> bool:
        if identity in self._seen:
            self.repeated_count += 1
            return False
        self._seen.add(identity)
        return True
