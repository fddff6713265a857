"""How far one container's log was read: the last lines by time and digest, as nothing in it has a number."""

from __future__ import annotations

import bisect
import threading
import zlib
from collections import deque

import msgspec

from pipeline.errors import SourceError

RING_RUNS = 16
"""Lines remembered to find one's place again; only repetitions of the last one need those before it."""
TRIM_ENTRIES = 4096


class Run(msgspec.Struct, frozen=True, array_like=True):
    """Lines in a row that are equal in time and text."""

    at: str  # as the runtime wrote it
    digest: int
    count: int = 1

    def is_like(self, other: Run) -> bool:
        """Whether the lines are the same, however many."""
        return self.digest == other.digest and self.at == other.at


NOTHING = Run("", 0, 0)
"""The last line of a log that is empty or not kept."""


class Position(msgspec.Struct, frozen=True):
    """What is stored of one container.

    Without `runs` nothing was read yet, or a gap stands directly before: so what is lost then is told.
    """

    line: int  # number of the next line
    next_unused: int  # no line before this was given another number, also those read after the position
    incarnation: int  # restarts of the container, as far as its status has told
    runs: tuple[Run, ...] = ()  # the newest last
    is_ended: bool = False  # the pod is gone
    is_over: bool = False  # `runs` end the log of a run of the container that is `previous` now; the next one follows
    before: Run | None = None  # how the log before that of `runs` ends, by which a run is known; None: not known


def decode_position(stream: str, value: bytes) -> Position:
    """Read what was stored.

    Raises:
        SourceError: It is no position of a pod log.
    """
    try:
        return msgspec.json.decode(value, type=Position)
    except msgspec.DecodeError as error:
        raise SourceError(
            f"the stored position of {stream} is none of a pod log ({error}); "
            "give the source another name to begin anew"
        ) from error


def run_of(line: bytes) -> Run:
    """One line, with its time in front, by which it is found again."""
    at, _, text = line.partition(b" ")
    return Run(at[:40].decode("ascii", "replace"), zlib.crc32(text) | len(text) << 32)


class Matcher:
    """Finds the place in an answer behind the lines that were read before."""

    def __init__(self, runs: tuple[Run, ...], *, is_whole: bool) -> None:
        """Look for these runs; `is_whole`: the answer has everything that is kept."""
        self._wanted = runs
        self._is_whole = is_whole
        self._has_twin = any(run.is_like(runs[-1]) for run in runs[:-1])
        self._seen: deque[Run] = deque(maxlen=len(runs))
        self._run_count = 0
        self.kept_count = 0  # so many of the wanted ones, from the oldest on, are known to be there

    def feed(self, line: Run) -> bool:
        """Whether this is the last line that was read before."""
        if self._seen and self._seen[-1].is_like(line):
            self._seen[-1] = Run(line.at, line.digest, self._seen[-1].count + 1)
        else:
            self._seen.append(line)
            self._run_count += 1
        for index in range(len(self._wanted) - 1, self.kept_count - 1, -1):
            if self._wanted[index].is_like(line):
                self.kept_count = index + 1
        return self._wanted[-1].is_like(line) and self._fits()

    def _fits(self) -> bool:
        if self._run_count == 1 and not self._is_whole:
            return False  # the answer begins within the run: how many of it came before is not known
        if self._has_twin and len(self._seen) < len(self._wanted):
            return False  # it may be the other one: only all lines before it tell
        pairs = list(zip(reversed(self._wanted), reversed(self._seen), strict=False))
        for place, (wanted, seen) in enumerate(pairs):
            if not wanted.is_like(seen):
                return False
            is_first_seen = place == self._run_count - 1
            is_oldest_wanted = place == len(self._wanted) - 1
            if place and not is_oldest_wanted and not is_first_seen and wanted.count != seen.count:
                return False
        return pairs[0][1].count == pairs[0][0].count


class _Entry:
    """Lines, or a mark that takes a number of its own."""

    __slots__ = ("first", "position", "run")

    def __init__(self, first: int, run: Run | None, position: Position | None = None) -> None:
        self.first = first
        self.run = run
        self.position = position  # of a mark: what holds behind it


class History:
    """Numbers of lines, and the position at each of those that may still be asked for. Safe to use from any thread."""

    def __init__(self, position: Position) -> None:
        self._lock = threading.Lock()
        self._entries = [_Entry(position.line - 1, None, position)]
        self._marks = list(self._entries)
        self._first = self._next = position.line
        self._high = max(position.next_unused, position.line)
        self._incarnation = position.incarnation

    @property
    def next_line(self) -> int:
        """Number of the next line."""
        return self._next

    @property
    def incarnation(self) -> int:
        """Which one is read."""
        return self._incarnation

    def add(self, line: Run) -> int:
        """One more line; its number."""
        with self._lock:
            number, last = self._next, self._entries[-1]
            self._next += 1
            if last.run is not None and last.run.is_like(line):
                last.run = Run(line.at, line.digest, last.run.count + 1)
            else:
                self._entries.append(_Entry(number, line))
            return number

    def mark(
        self,
        incarnation: int,
        runs: tuple[Run, ...] = (),
        *,
        is_ended: bool = False,
        is_over: bool = False,
        before: Run | None = None,
    ) -> int:
        """Reading goes on elsewhere; the number that this takes. No line before had one as high, over restarts too."""
        with self._lock:
            number = max(self._next, self._high)
            self._next, self._incarnation = number + 1, incarnation
            entry = _Entry(number, None, Position(self._next, self._next, incarnation, runs, is_ended, is_over, before))
            self._entries.append(entry)
            self._marks = [*self._marks, entry]
            return number

    def begin_behind(self, before: Run) -> None:
        """The log that is read now is known by how the one before it ends; no line of it was added yet."""
        with self._lock:
            last = self._entries[-1]
            assert last.position is not None
            last.position = msgspec.structs.replace(last.position, before=before)

    def now(self) -> Position:
        """Where reading stands."""
        with self._lock:
            return self._at(self._next)

    def position(self, line: int) -> Position:
        """What to store so that reading goes on with a line, or with the first one that is known of."""
        with self._lock:
            return self._at(max(line, self._first))

    def forget_before(self, line: int) -> None:
        """No position before this one will be asked for."""
        with self._lock:
            count = bisect.bisect_left(self._entries, line, key=lambda entry: entry.first) - RING_RUNS - 2
            if count > TRIM_ENTRIES:
                del self._entries[:count]
            marks = bisect.bisect_left(self._marks, line, key=lambda entry: entry.first)
            self._marks = self._marks[max(0, marks - 1) :]

    def _at(self, line: int) -> Position:
        stop = bisect.bisect_left(self._entries, line, key=lambda entry: entry.first)
        runs: deque[Run] = deque()
        for entry in reversed(self._entries[max(0, stop - RING_RUNS) : stop]):
            if entry.run is None:
                assert entry.position is not None
                _put_before(entry.position, runs)
                break
            runs.appendleft(Run(entry.run.at, entry.run.digest, min(entry.run.count, line - entry.first)))
            if len(runs) == RING_RUNS:
                break
        mark = self._mark_before(line)
        is_over, before = mark.is_over, mark.before
        if is_over and stop and self._entries[stop - 1].run is not None:
            is_over, before = False, mark.runs[-1]
        next_unused = max(self._next, self._high)
        return Position(line, next_unused, mark.incarnation, tuple(runs), mark.is_ended, is_over, before)

    def _mark_before(self, line: int) -> Position:
        place = bisect.bisect_left(self._marks, line, key=lambda entry: entry.first)
        position = self._marks[max(0, place - 1)].position
        assert position is not None
        return position


def _put_before(base: Position, runs: deque[Run]) -> None:
    """The lines of a mark, before those that were read behind it: where they are of the same log."""
    if base.is_over and runs:
        return
    before = list(base.runs[-(RING_RUNS - len(runs)) :])
    if before and runs and before[-1].is_like(runs[0]):
        runs[0] = Run(runs[0].at, runs[0].digest, runs[0].count + before.pop().count)
    runs.extendleft(reversed(before))
