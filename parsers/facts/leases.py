"""Leases."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.references import ObjectRef


class LeaseFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Lease."""

    ref: ObjectRef
    holder: str = ""
    acquired_at: datetime | None = None
    renewed_at: datetime | None = None
    transitions: int | None = None
    alive_at: datetime | None = (
        None  # a watch saw it renewed at about this time: rounded down, so that few versions differ
    )
