"""Who is asked when an object is written or converted: webhooks, CRDs, admission policies."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.certificates import CertificateInfo
from parsers.facts.references import ObjectRef, ServiceRef


class LabelSelector(msgspec.Struct, frozen=True):
    """A label selector; empty selects everything."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # (key, In|NotIn|Exists|DoesNotExist, values)


class WebhookRule(msgspec.Struct, frozen=True):
    """For which calls an admission webhook is asked; "*" stands for all."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    resources: tuple[str, ...]
    operations: tuple[str, ...]
    scope: str = "*"


class WebhookFactsOfObject(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook of a configuration."""

    name: str
    service: ServiceRef | None = None
    url: str | None = None  # without user and query
    ca_bundle: tuple[CertificateInfo, ...] = ()
    failure_policy: str = "Fail"
    timeout_seconds: int | None = None
    rules: tuple[WebhookRule, ...] = ()
    namespace_selector: LabelSelector = LabelSelector()
    object_selector: LabelSelector = LabelSelector()


class WebhookConfigurationFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A Validating- or MutatingWebhookConfiguration."""

    ref: ObjectRef
    generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None  # newest time in managedFields
    webhooks: tuple[WebhookFactsOfObject, ...] = ()
    ca_from: ObjectRef | None = None  # Certificate or Secret that cert-manager copies the caBundle from


class CrdFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A CustomResourceDefinition; `conversion` where a webhook converts between its versions."""

    ref: ObjectRef
    group: str
    kind: str
    plural: str
    served_versions: tuple[str, ...] = ()
    storage_version: str = ""
    conversion: ServiceRef | None = None
    conversion_url: str | None = None
    ca_bundle: tuple[CertificateInfo, ...] = ()
    ca_from: ObjectRef | None = None  # Certificate or Secret that cert-manager copies the caBundle from
    generation: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None


class PolicyFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="facts"):
    """A ValidatingAdmissionPolicy or its binding."""

    ref: ObjectRef
    generation: int | None = None
    created_at: datetime | None = None
