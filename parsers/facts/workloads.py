"""ReplicaSets and Pods."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef


class ReplicaSetFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A ReplicaSet."""

    ref: ObjectRef
    owner: ObjectRef | None = None  # its controller
    template_hash: str = ""
    revision: str = ""
    created_at: datetime | None = None
    desired: int | None = None  # spec.replicas
    current: int | None = None
    ready: int | None = None
    available: int | None = None
    is_scaling_down_at: datetime | None = None  # scale-down deadline annotation of Argo Rollouts
    pod_labels: dict[str, str] = msgspec.field(default_factory=dict)
    conditions: tuple[ConditionFacts, ...] = ()

    @property
    def has_status(self) -> bool:
        """Whether a controller has written how it stands: a manifest says only what is wanted."""
        return self.current is not None


class PodFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Pod, as far as it matters for what it serves."""

    ref: ObjectRef
    owner: ObjectRef | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    phase: str = ""
    is_ready: bool = False
    started_at: datetime | None = None
    restarts: int = 0
    last_restart_at: datetime | None = None
    waiting_reasons: tuple[str, ...] = ()
