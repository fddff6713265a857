"""Which cluster a snapshot is of: kubectl does not write it into its output, envelopes of logs do.

Where everything that names a cluster names the same one, a snapshot beside it is of that cluster. Where several are
named it may be of any of them: it stays apart, and that is said.
"""

from __future__ import annotations

import msgspec

from parsers.events import Event
from parsers.facts.seen import ObjectSeen


class SnapshotClusters:
    """What the events of one reading name."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._unnamed: dict[str, None] = {}  # sources of snapshots that name no cluster

    def note(self, event: Event) -> None:
        """Remember what an event names."""
        if event.origin.cluster:
            self._named.add(event.origin.cluster)
        elif isinstance(event, ObjectSeen):
            self._unnamed.setdefault(event.origin.source)

    def assign(self, event: Event) -> Event:
        """The event with its cluster, where that is certain. To be called when everything was noted."""
        if event.origin.cluster or len(self._named) != 1 or not isinstance(event, ObjectSeen):
            return event
        origin = msgspec.structs.replace(event.origin, cluster=next(iter(self._named)))
        return msgspec.structs.replace(event, origin=origin)

    def problems(self) -> list[str]:
        """Snapshots that could not be joined with logs, each with what to do."""
        if len(self._named) < 2:
            return []
        why = f"names no cluster, and the logs are of {len(self._named)}: it is joined with none of them"
        return [f"{source} {why}; read it with the logs of its own cluster" for source in self._unnamed]
