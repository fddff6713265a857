"""HorizontalPodAutoscalers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef


class HpaFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A HorizontalPodAutoscaler."""

    ref: ObjectRef
    target: ObjectRef
    minimum: int | None = None
    maximum: int | None = None
    current: int | None = None
    desired: int | None = None
    last_scale_at: datetime | None = None
    conditions: tuple[ConditionFacts, ...] = ()
