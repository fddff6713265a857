"""What the incidents of failures say about Rollouts: their numbers are told there, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from parsers.events import ObjectKey
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import Incident


class Elsewhere(msgspec.Struct, frozen=True):
    """What the incidents of failures say about Rollouts."""

    stuck: frozenset[ObjectKey]  # in trouble now
    ended_at: Mapping[ObjectKey, datetime]  # of the others, when their newest trouble was over
    told_by: Mapping[ObjectKey, str]  # the id of the open incident that was told
    is_controller_in_trouble: bool

    @classmethod
    def of(cls, troubles: Sequence[Trouble], told: Sequence[Incident]) -> Elsewhere:
        """From the troubles that were found, and the incidents that were told."""
        ends: dict[ObjectKey, datetime] = {}
        for member in (member for trouble in troubles for member in trouble.members):
            if member.ended_at is not None:
                ends[member.key] = max(member.ended_at, ends.get(member.key, member.ended_at))
        return cls(
            frozenset(member.key for one in troubles for member in one.members if member.ended_at is None),
            ends,
            {
                ObjectKey(victim.kind, victim.namespace or "", victim.name or ""): incident.id
                for incident in told
                if incident.status == "open"
                for victim in incident.victims
            },
            any(trouble.controller is not None and trouble.ended_at is None for trouble in troubles),
        )
