"""What the API answers, where it is no incident."""

from __future__ import annotations

import msgspec

from pipeline.store.queries import Acknowledgement, IncidentRow, Revision


class IncidentPage(msgspec.Struct, frozen=True):
    """Some incidents, the newest first."""

    incidents: tuple[IncidentRow, ...]
    next: str | None  # to be given as `after`; null: these were the last


class IncidentHistory(msgspec.Struct, frozen=True):
    """What became of an incident, the oldest first."""

    revisions: tuple[Revision, ...]
    acknowledgements: tuple[Acknowledgement, ...]
