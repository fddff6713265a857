"""Which completed passes are of interest: the first ones of each key, and those of keys that were failing.

A healthy log consists of completed passes, and each is looked at on raw bytes. A pass has succeeded when no error
follows it, and what follows is known for certain only at the next pass: so two are kept after each failure.
"""

from __future__ import annotations

import re

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
from parsers.records import Origin

PASSES_KEPT = 2
MAX_KEYS = 200_000

_NAMESPACE = re.compile(rb'namespace[=\\":\s]{1,12}([a-z0-9.-]{1,63})')
_NAME = re.compile(rb'(?:rollout|analysisrun|experiment|service|ingress)[=\\":\s]{1,12}([a-z0-9.-]{1,253})')


class PassInterest:
    """Remembers, per key, how many passes are still wanted."""

    def __init__(self) -> None:
        self._seen: dict[tuple[bytes, bytes], int] = {}  # passes met since the range began or the leader changed
        self._failing: dict[tuple[bytes, bytes], dict[Origin, int]] = {}  # passes wanted by each origin where it failed

    def is_wanted(self, raw: bytes) -> bool:
        """Whether the pass in this raw line matters; a line whose key cannot be read always does."""
        namespace, name = _NAMESPACE.search(raw), _NAME.search(raw)
        if namespace is None or name is None:
            return True
        key = (namespace[1], name[1])
        if key in self._failing:
            return True
        count = self._seen.get(key, 0)
        if count >= PASSES_KEPT:
            return False
        if len(self._seen) >= MAX_KEYS:
            self._seen.clear()
        self._seen[key] = count + 1
        return True

    def note(self, event: Event) -> None:
        """Learn from an event of the stream."""
        match event:
            case SyncFailed() | SyncRefused() | RetryCounted() | ReplicasBlocked():
                self._failing.setdefault(_raw(event.key), {})[event.origin] = PASSES_KEPT
            case SyncCompleted():
                self._note_pass(_raw(event.key), event.origin)
            case ControllerStarted() | LeaderElected():
                self._seen.clear()

    def _note_pass(self, key: tuple[bytes, bytes], origin: Origin) -> None:
        wanted = self._failing.get(key)
        if wanted is None or origin not in wanted:
            return
        wanted[origin] -= 1
        if not wanted[origin]:
            del wanted[origin]
        if not wanted:
            del self._failing[key]
            self._seen[key] = PASSES_KEPT


def _raw(key: ObjectKey) -> tuple[bytes, bytes]:
    return key.namespace.encode(), key.name.encode()
