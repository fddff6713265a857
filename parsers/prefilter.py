"""Which lines of a block can matter at all, decided on raw bytes before anything is split or decoded.

A line is a candidate when it contains one of some plain literals. Literals hold nothing that an envelope
escapes (quotes, backslashes, ``<>&/``), so they look the same bare, in a JSON string, and in a JSON string
within a JSON string. Two engines give the same answer: Hyperscan where it is installed, `bytes.find` elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

COMPLETED = b"Reconciliation completed"
"""A pass ended. Frequent in any log and of interest for few keys, so it is found apart from the rest."""
PATCHED = b"Patched: "
"""A status patch: of interest for keys that a condition blocks, as it may say that the condition is gone."""
FREQUENT = (COMPLETED, PATCHED)

CONTROLLER_LITERALS: tuple[bytes, ...] = (
    b"syncHandler error",
    b"syncHandler queue retries",
    b"Rollouts starting",
    b"Rollouts controller starting",
    b"I am the new leader",
    b"successfully acquired lease",
    b"OnStoppedLeading",
    b"failed to renew lease",
    b"Controller has stopped",
    b" is invalid: ",
    b"FailedCreate",
    b"SuccessfulCreate",
    b"has been deleted",
    b"caches to sync",
    b"to sync caches",
    b"waiting for cache",
    b"error syncing",
    b"fatal",
    b"FATA",
)
"""What the controller's own lines are known by, beside the literals of the rules."""


class Scanner(Protocol):
    """One way to search."""

    def find_ends(self, data: bytes) -> list[int]:
        """Ascending end offsets of literals in `data`, at least one in every line that holds one."""


class FindScanner:
    """One `bytes.find` after another: no dependency, tens of MB/s with the literals of all rules."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._literals = tuple(literals)

    def find_ends(self, data: bytes) -> list[int]:
        """See `Scanner`. One end a line and literal is enough, so each search goes on behind the line."""
        ends: list[int] = []
        find = data.find
        for literal in self._literals:
            position = find(literal)
            while position >= 0:
                end = position + len(literal)
                ends.append(end)
                line_end = find(b"\n", end - 1)
                position = find(literal, line_end) if line_end >= 0 else -1
        ends.sort()
        return ends


class HyperscanScanner:
    """Hyperscan: gigabytes a second. A callback costs more than a line is long, so each match reports its end only."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        import hyperscan

        expressions = [re.escape(literal) for literal in literals]
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=[0] * len(expressions))
        self._scratch = hyperscan.Scratch(self._database)
        self._database.scratch = self._scratch

    def find_ends(self, data: bytes) -> list[int]:
        """See `Scanner`."""
        ends: list[int] = []
        append = ends.append

        def on_match(_id: int, _start: int, end: int, _flags: int, _context: Any) -> None:  # noqa: ANN401
            append(end)

        self._database.scan(data, match_event_handler=on_match)
        return ends


def has_hyperscan() -> bool:
    """Whether the fast engine can be used on this machine."""
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return False
    return True


def make_scanner(literals: Iterable[bytes], *, use_hyperscan: bool | None = None) -> Scanner:
    """The fastest scanner that there is; `use_hyperscan` decides for tests and benchmarks."""
    chosen = tuple(dict.fromkeys(literals))
    if use_hyperscan if use_hyperscan is not None else has_hyperscan():
        return HyperscanScanner(chosen)
    return FindScanner(chosen)
