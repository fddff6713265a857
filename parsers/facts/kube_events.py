"""Kubernetes Events."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.references import ObjectRef


class KubernetesEventFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Kubernetes Event, of v1 or events.k8s.io/v1, or a row of a table."""

    ref: ObjectRef  # of the Event itself; empty name for a row
    involved: ObjectRef
    reason: str
    type: str = ""  # Normal or Warning
    message: str = ""
    component: str = ""
    count: int = 1
    first_at: datetime | None = None
    last_at: datetime | None = None
