"""What the API answers, where it is no incident."""

from __future__ import annotations

import msgspec

from pipeline.engine.incidents import Evidence
from pipeline.store.delivery_queries import DeliveryRow
from pipeline.store.queries import Acknowledgement, IncidentRow, Revision
from pipeline.store.silences import Silence


class IncidentPage(msgspec.Struct, frozen=True):
    """Some incidents, the newest first."""

    incidents: tuple[IncidentRow, ...]
    next: str | None  # to be given as `after`; null: these were the last


class IncidentEvidence(msgspec.Struct, frozen=True):
    """The lines that an incident rests on, the oldest first."""

    evidence: tuple[Evidence, ...]
    evidence_omitted_count: int  # lines like them that are not among them


class IncidentHistory(msgspec.Struct, frozen=True):
    """What became of an incident, the oldest first."""

    revisions: tuple[Revision, ...]
    acknowledgements: tuple[Acknowledgement, ...]


class DeliveryPage(msgspec.Struct, frozen=True):
    """Some notifications, the newest first."""

    deliveries: tuple[DeliveryRow, ...]
    next: str | None  # to be given as `after`; null: these were the last


class SilenceList(msgspec.Struct, frozen=True):
    """Silences, those that end first in front."""

    silences: tuple[Silence, ...]
