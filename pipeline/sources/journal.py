"""What reading files may cost, and what is said about it: problems, skipped inputs, notes, progress."""

from __future__ import annotations

import enum
import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from pipeline.errors import InputError

_KIB = 1024
_MIB = 1024 * _KIB

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class ReadLimits(msgspec.Struct, frozen=True):
    """How much of whatever is given is read. The defaults let every honest log through."""

    max_ratio: int = 1000
    """Bytes out of one compressed byte, beyond `ratio_free_bytes`. Repetitive logs reach 100; bombs start at 1000."""
    ratio_free_bytes: int = 64 * _MIB
    """Output that is never held against the ratio, so that tiny files may be extreme."""
    max_total_bytes: int = 1024 * 1024 * _MIB
    """What one compressed file may grow to. 1 TiB: more than any controller writes, less than an endless loop."""
    max_member_count: int = 100_000
    """Members of one archive; a support bundle has thousands."""
    max_archive_depth: int = 3
    """Archives in archives: a bundle holds a bundle per node, which holds an archive of logs."""
    max_compression_layers: int = 3
    """Compressions around one file; two happen when a tool compresses what was compressed."""
    max_memory_bytes: int = 256 * _MIB
    """What a decompressor may ask for: zstd's window, the dictionary of xz. `xz -9` needs 65 MiB."""
    block_bytes: int = 4 * _MIB
    """Size of one block: large enough that the work per block does not count, small enough to pass around."""
    max_line_bytes: int = 8 * _MIB
    """A longer line is cut here; the parser keeps far less of one record anyway."""
    max_object_bytes: int = 512 * _MIB
    """What is read of one file of Kubernetes objects: 50,000 pods. They are read whole."""
    head_bytes: int = 64 * _KIB
    """How much is looked at to tell what a file is."""


class SkipReason(enum.Enum):
    """Why a file was left out. None of these is an error."""

    EMPTY = "empty"
    BINARY = "not text"
    HIDDEN = "hidden"
    SPECIAL = "not a regular file"
    SAME_FILE = "the same file as one already taken"
    SAME_PART = "a compressed copy of a part that is read uncompressed"


class SkippedInput(msgspec.Struct, frozen=True):
    """A file or member that was left out."""

    path: str
    reason: SkipReason
    is_explicit: bool = False  # named by the user, who should be told

    def __str__(self) -> str:
        return printable(f"skipped {self.path}: {self.reason.value}")


class InputNote(msgspec.Struct, frozen=True):
    """Something odd about an input that was read in full."""

    path: str
    text: str

    def __str__(self) -> str:
        return printable(f"{self.path}: {self.text}")


class InputProblem(msgspec.Struct, frozen=True):
    """An input that could not be read, or not in full."""

    path: str  # as given, with "!/member" behind an archive; no credentials
    what: str  # what failed: "cannot read", "read only in part"
    why: str
    advice: str
    is_fatal_for_input: bool = True  # nothing of it was read; otherwise some of it was

    def __str__(self) -> str:
        return printable(f"{self.what} {self.path}: {self.why}; {self.advice}")


class BrokenInputError(InputError):
    """Reading an input ended early; what was read before it stays valid."""

    def __init__(self, problem: InputProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Progress:
    """How far reading has come, in bytes of the files as they are stored (compressed)."""

    def __init__(self) -> None:
        self.read_bytes = 0
        self.total_bytes: int | None = 0  # None: standard input or another stream of unknown length is among them
        self._is_paused = False
        self._finished_bytes = 0

    def expect(self, size_bytes: int | None) -> None:
        """Count a file that will be read; None if its size is not known."""
        if size_bytes is None or self.total_bytes is None:
            self.total_bytes = None
        else:
            self.total_bytes += size_bytes

    def advance(self, size_bytes: int) -> None:
        """Count bytes that were read."""
        if not self._is_paused:
            self.read_bytes += size_bytes

    def finish(self, size_bytes: int | None) -> None:
        """Count a file as read that was done with, though perhaps not read to its end: a binary one, a damaged one."""
        self._finished_bytes += size_bytes or 0
        self.read_bytes = max(self.read_bytes, self._finished_bytes)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing meanwhile: what is read will be read a second time."""
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False


class Journal:
    """Collects what is to be told about the inputs. Each thing is kept once, in the order it was met."""

    def __init__(self) -> None:
        self._problems: dict[InputProblem, None] = {}
        self._skipped: dict[SkippedInput, None] = {}
        self._notes: dict[InputNote, None] = {}
        self.progress = Progress()

    @property
    def problems(self) -> list[InputProblem]:
        """What could not be read."""
        return list(self._problems)

    @property
    def skipped(self) -> list[SkippedInput]:
        """What was left out on purpose."""
        return list(self._skipped)

    @property
    def notes(self) -> list[InputNote]:
        """What was read, but is odd."""
        return list(self._notes)

    def has_problem(self, path: str) -> bool:
        """Return whether something was said about reading `path` itself."""
        return any(problem.path == path for problem in self._problems)

    def report(self, problem: InputProblem) -> None:
        """Keep a problem."""
        self._problems[problem] = None

    def skip(self, path: str, reason: SkipReason, *, is_explicit: bool = False) -> None:
        """Keep that a file was left out."""
        self._skipped[SkippedInput(path, reason, is_explicit)] = None

    def note(self, path: str, text: str) -> None:
        """Keep something odd about a file that was read."""
        self._notes[InputNote(path, text)] = None


def printable(text: str) -> str:
    """Return `text` on one line without terminal escapes: names of files may hold anything."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def cannot_read(path: str, why: str, advice: str) -> InputProblem:
    """Describe an input of which nothing could be read."""
    return InputProblem(path, "cannot read", why, advice)


def read_in_part(path: str, why: str, advice: str) -> InputProblem:
    """Describe an input whose beginning was read."""
    return InputProblem(path, "read only a part of", why, advice, is_fatal_for_input=False)


def describe_os_error(path: str, error: OSError) -> InputProblem:
    """Say in plain words why the operating system refused to read `path`."""
    advice = {
        errno.ENOENT: "check the path",
        errno.EACCES: "read it as a user who may, or change its permissions",
        errno.EPERM: "read it as a user who may, or change its permissions",
        errno.ELOOP: "the symbolic links lead in a circle: give the real path",
        errno.EISDIR: "give a file, or the directory itself",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
        errno.EIO: "the disk or the network share failed: copy the file elsewhere and try again",
        errno.ESTALE: "the network share lost the file: mount it again",
    }.get(error.errno or 0, "check the file and try again")
    return cannot_read(path, (error.strerror or type(error).__name__).lower(), advice)
