"""A Rollout: what it wants, what it has, where it stands."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef


class TrafficReference(msgspec.Struct, frozen=True, order=True):
    """An object of a traffic router that a Rollout names."""

    provider: str  # istio, ambassador, smi, alb, nginx, traefik, apisix, appMesh, or the plugin's name
    group: str  # API group, empty for core
    kind: str  # VirtualService, Mapping, Ingress, …
    name: str


class AnalysisVerdict(msgspec.Struct, frozen=True):
    """What a Rollout's status says of an AnalysisRun that does not let it go on."""

    run: str  # its name
    phase: str  # Failed, Error or Inconclusive
    message: str = ""


class RolloutFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Rollout: what it wants, what it has, where it stands."""

    ref: ObjectRef
    generation: int | None = None
    observed_generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None  # newest time in managedFields, without the status
    desired: int | None = None  # spec.replicas; None where it is left to an HPA or the default
    current: int | None = None  # status.replicas
    available: int | None = None
    ready: int | None = None
    updated: int | None = None
    hpa_replicas: int | None = None
    phase: str = ""
    message: str = ""
    is_paused: bool = False  # by the user or a step
    is_controller_pause: bool = False  # the controller paused it by itself
    is_aborted: bool = False
    is_promoting_full: bool = False  # somebody asked to skip all steps
    is_deleting: bool = False
    strategy: str = ""  # canary or blueGreen
    step_index: int | None = None
    step_count: int = 0
    step_weight: int | None = None  # percent of the newest setWeight at or before the current step
    max_surge: str | None = None  # as written: "25%" or "1"; None: the default 25%
    max_unavailable: str | None = None
    scale_down_delay_seconds: int | None = None
    progress_deadline_seconds: int | None = None  # None: the default of 600
    min_pods_per_replica_set: int | None = None  # of a canary with traffic routing
    has_traffic_routing: bool = False
    dynamic_stable_scale: bool = False
    workload_ref: ObjectRef | None = None
    canary_scale_replicas: int | None = None  # of the newest setCanaryScale at or before the current step
    canary_scale_weight: int | None = None
    pause_reasons: tuple[str, ...] = ()
    traffic: tuple[TrafficReference, ...] = ()
    services: tuple[str, ...] = ()  # Services that the strategy names, stable or active first
    annotations: dict[str, str] = msgspec.field(default_factory=dict)  # those for whystuck
    pod_labels: dict[str, str] = msgspec.field(default_factory=dict)
    stable_hash: str = ""
    current_hash: str = ""
    conditions: tuple[ConditionFacts, ...] = ()
    aborted_at: datetime | None = None
    paused_at: datetime | None = None  # when the oldest of its pauses began
    verdicts: tuple[AnalysisVerdict, ...] = ()  # of its current AnalysisRuns, those that do not let it go on

    @property
    def has_status(self) -> bool:
        """Whether a controller has written how it stands: a manifest says only what is wanted."""
        return bool(self.conditions or self.phase) or (self.observed_generation, self.current) != (None, None)
