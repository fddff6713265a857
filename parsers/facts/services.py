"""Services, what stands behind them, and Namespaces."""

from __future__ import annotations

import msgspec

from parsers.facts.references import ObjectRef


class ServiceFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Service."""

    ref: ObjectRef
    selector: dict[str, str] = msgspec.field(default_factory=dict)
    ports: tuple[int, ...] = ()
    cluster_ip: str = ""


class EndpointSliceFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """Which pods stand behind a Service."""

    ref: ObjectRef
    service: str = ""
    ready_count: int = 0
    not_ready_count: int = 0
    pods: tuple[str, ...] = ()


class NamespaceFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Namespace: its labels decide which admission webhooks are asked, its annotations who is told."""

    ref: ObjectRef
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)  # those for whystuck
    phase: str = ""
