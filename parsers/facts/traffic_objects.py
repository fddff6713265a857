"""Objects of traffic routers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.references import ObjectRef


class OtherFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """An object of a traffic router: that it exists, and in which version it was read."""

    ref: ObjectRef
    group: str
    version: str
    generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None
