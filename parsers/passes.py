"""Which completed passes are of interest: the first of each key and generation, and those of keys that failed.

A healthy log consists of completed passes, and each is looked at on raw bytes. A pass has succeeded when no error
follows it, and what follows is known for certain only at the next pass: so two are kept after each failure.
Status patches are wanted of keys that a condition blocks. A wrapper may name namespaces and services of its own, so
every name in the line is asked.
"""

from __future__ import annotations

import re
from itertools import product

import msgspec

from parsers.events import (
    ControllerStarted,
    Event,
    LeaderElected,
    ObjectKey,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from parsers.prefilter import PATCHED
from parsers.records import Origin

_Writer = tuple[str, str, str, str]

PASSES_KEPT = 2
MAX_KEYS = 200_000

_UNMET = (0, b"")
_NAMESPACE = re.compile(rb'namespace[=\\":\s]{1,12}([a-z0-9.-]{1,63})')
_GENERATION = re.compile(rb'generation[=\\":\s]{1,12}(\d{1,19})')
_NAME = re.compile(rb'(?:rollout|analysisrun|experiment|service|ingress)[=\\":\s]{1,12}([a-z0-9.-]{1,253})')


class InterestMemory(msgspec.Struct, frozen=True):
    """What is kept over a restart; passes of healthy keys that are delivered once more change nothing."""

    failing: dict[tuple[bytes, bytes], dict[_Writer, int]]
    blocked: set[tuple[bytes, bytes]]


class PassInterest:
    """Remembers, per key, how many passes are still wanted."""

    def __init__(self) -> None:
        # Passes met since the range began or the leader changed, and the newest generation.
        self._seen: dict[tuple[bytes, bytes], tuple[int, bytes]] = {}
        self._failing: dict[tuple[bytes, bytes], dict[_Writer, int]] = {}  # passes wanted by each writer that failed
        self._blocked: set[tuple[bytes, bytes]] = set()

    def is_wanted(self, raw: bytes) -> bool:
        """Whether the line matters; a pass whose key cannot be read always does, a patch never."""
        namespaces, names = _NAMESPACE.findall(raw), _NAME.findall(raw)
        if PATCHED in raw:
            return bool(self._blocked) and any(key in self._blocked for key in product(namespaces, names))
        if not namespaces or not names:
            return True
        if any(key in self._failing for key in product(namespaces, names)):
            return True
        key = (b" ".join(namespaces), b" ".join(names))
        count, generation = self._seen.get(key, _UNMET)
        match = _GENERATION.search(raw)
        found = match[1] if match is not None else b""
        if count >= PASSES_KEPT and found == generation:
            return False
        if len(self._seen) >= MAX_KEYS:
            self._seen.clear()
        self._seen[key] = count + 1, found
        return True

    def remember(self) -> InterestMemory:
        """What is needed to go on later, in another process."""
        return InterestMemory(self._failing, self._blocked)

    def recall(self, memory: InterestMemory) -> None:
        """Go on where another one stood."""
        self._failing.update(memory.failing)
        self._blocked |= memory.blocked

    def note(self, event: Event) -> None:
        """Learn from an event of the stream."""
        match event:
            case SyncFailed() | SyncRefused() | RetryCounted() | ReplicasBlocked():
                if len(self._failing) >= MAX_KEYS:
                    self._failing.clear()
                self._failing.setdefault(_raw(event.key), {})[_writer(event.origin)] = PASSES_KEPT
                if isinstance(event, ReplicasBlocked):
                    self._note_block(_raw(event.key), is_blocked=event.failure is not None)
            case SyncCompleted():
                self._note_pass(_raw(event.key), _writer(event.origin))
            case ControllerStarted() | LeaderElected():
                self._seen.clear()

    def _note_block(self, key: tuple[bytes, bytes], *, is_blocked: bool) -> None:
        if is_blocked and len(self._blocked) < MAX_KEYS:
            self._blocked.add(key)
        elif not is_blocked:
            self._blocked.discard(key)

    def _note_pass(self, key: tuple[bytes, bytes], writer: _Writer) -> None:
        wanted = self._failing.get(key)
        if wanted is None or writer not in wanted:
            return
        wanted[writer] -= 1
        if not wanted[writer]:
            del wanted[writer]
        if not wanted:
            del self._failing[key]
            self._seen[key] = PASSES_KEPT, b""


def _writer(origin: Origin) -> _Writer:
    """Who wrote a line; the parts of a rotated log have one writer."""
    return origin.cluster, origin.namespace, origin.pod, origin.container


def _raw(key: ObjectKey) -> tuple[bytes, bytes]:
    return key.namespace.encode(), key.name.encode()
