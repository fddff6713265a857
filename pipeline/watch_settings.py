"""How the daemon works, with the reason of every default. Durations are seconds on the clock."""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from parsers.records import Origin


class OriginPattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shell patterns; all have to match. What an origin does not say matches `*` only."""

    cluster: str = "*"
    namespace: str = "*"
    pod: str = "*"
    container: str = "*"
    source: str = "*"
    """`topic/partition`."""

    def matches(self, origin: Origin) -> bool:
        """Whether the origin is one of these."""
        return (
            fnmatchcase(origin.cluster, self.cluster)
            and fnmatchcase(origin.namespace, self.namespace)
            and fnmatchcase(origin.pod, self.pod)
            and fnmatchcase(origin.container, self.container)
            and fnmatchcase(origin.source, self.source)
        )


class WatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The daemon's own settings."""

    controllers: tuple[OriginPattern, ...] = ()
    """Whose lines may count as a controller's. Another pod can print any line: of others only failures are taken, as
    evidence. None given: everybody's."""
    commit_seconds: float = 0.25
    """How often what was read is committed: it bounds what is read again after a crash, and how late an incident is."""
    batch_lines: int = 200_000
    """Or when so many lines were read, as in a catch-up."""
    idle_seconds: float = 1.0
    """A record that may go on is held back for the lines that belong to it; a stream silent for this long has none."""
    queued_reads: int = 8
    """Reads of a source that may wait for the engine; then the source waits."""
    notify_max_age_seconds: float = 3600.0
    """Incidents that changed longer ago are kept and not notified: a first start pages nobody for last week."""
    silence_seconds: float = 1800.0
    """A controller of which nothing is heard for this long is an incident: whystuck is blind. 0: never. A controller
    with one healthy rollout prints something every 15 minutes, its resync."""
    forget_seconds: float = 86_400.0
    """What was over for this long is forgotten by the engine; the store keeps incidents longer."""
    drain_seconds: float = 10.0
    """After SIGTERM, for what was read to be committed. What is not committed is read again."""
    max_quarantined_in_a_row: int = 1_000
    """So many records in a row that whystuck fails on are no poison: the daemon ends with an error."""

    record: str | None = None
    """File to which everything that is taken in is added, for `whystuck replay`; `.gz` and `.zst` are compressed. None:
    nothing is recorded."""
    record_max_bytes: int = 10 * 1024 * 1024 * 1024
    """Size of one file, as stored, at which a new one is begun, or recording ends and the daemon goes on: a disk must
    not fill unnoticed."""
    record_files: int = 1
    """Files that are kept, the newest with them: of FILE.jsonl the one before is FILE.jsonl.1. 1: no other is begun."""

    def is_controller(self, origin: Origin) -> bool:
        """Whether an origin's lines may count as a controller's."""
        return not self.controllers or any(pattern.matches(origin) for pattern in self.controllers)
