"""The closed vocabulary of failure classes, shared by rules, incidents and tests. Users' rules add ``custom.*``."""

from __future__ import annotations

FAILURE_CLASSES: tuple[str, ...] = (
    "tls.expired",
    "tls.not_yet_valid",
    "tls.unknown_authority",
    "tls.name_mismatch",
    "tls.no_san",
    "tls.bad_certificate",
    "tls.handshake_timeout",
    "tls.handshake_eof",
    "tls.other",
    "webhook.conversion_unreachable",
    "webhook.conversion_failed",
    "webhook.admission_unreachable",
    "webhook.admission_denied",
    "webhook.timeout",
    "webhook.no_endpoints",
    "apiserver.unreachable",
    "apiserver.overloaded",
    "apiserver.unauthorized",
    "rbac.forbidden",
    "crd.missing",
    "crd.schema",
    "conflict",
    "spec.invalid",
    "object.not_found",
    "quota",
    "panic",
    "traffic_router",
    "metric_provider",
    "field_immutable",
    "etcd.too_large",
    "network.dns",
    "network.refused",
    "network.timeout",
    "leader_election",
    "unknown",
)

CUSTOM_PREFIX = "custom."


def is_failure_class(name: str) -> bool:
    """Whether a rule may use the name."""
    return name in FAILURE_CLASSES or (name.startswith(CUSTOM_PREFIX) and len(name) > len(CUSTOM_PREFIX))
