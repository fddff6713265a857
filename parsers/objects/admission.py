"""Who is asked when an object is written or converted: webhook configurations, CRDs, admission policies.

Sources: k8s.io/api v0.30 admissionregistration/v1 and v1beta1, apiextensions-apiserver v0.30 v1 and v1beta1;
cert-manager v1.16 pkg/apis/certmanager/v1/types.go for its annotations.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from parsers.facts.admission import (
    CrdFacts,
    LabelSelector,
    PolicyFacts,
    WebhookConfigurationFacts,
    WebhookFactsOfObject,
    WebhookRule,
)
from parsers.facts.certificates import CertificateInfo
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.objects.members import (
    Object,
    changed_at_of,
    created_at_of,
    flag_at,
    generation_of,
    labels_at,
    number_at,
    object_at,
    objects_at,
    ref_of,
    text_at,
    texts_at,
)
from parsers.x509 import read_base64

_DEFAULT_PORT: Final = 443
_MAX_URL_CHARS: Final = 512
_CA_SOURCES: Final = (
    ("cert-manager.io/inject-ca-from", "Certificate"),
    ("cert-manager.io/inject-ca-from-secret", "Secret"),
)


def read_webhook_configuration(document: Object) -> WebhookConfigurationFacts:
    """Read a Validating- or MutatingWebhookConfiguration."""
    is_beta = text_at(document, "apiVersion").endswith("v1beta1")
    return WebhookConfigurationFacts(
        ref=ref_of(document),
        generation=generation_of(document),
        created_at=created_at_of(document),
        changed_at=changed_at_of(document),
        webhooks=tuple(_read_webhook(webhook, is_beta=is_beta) for webhook in objects_at(document, "webhooks")),
        ca_from=_ca_source_of(document),
    )


def read_crd(document: Object) -> CrdFacts:
    """Read a CustomResourceDefinition."""
    spec = object_at(document, "spec")
    conversion = object_at(spec, "conversion")
    client: Object = {}
    if text_at(conversion, "strategy") == "Webhook":
        client = object_at(conversion, "webhook", "clientConfig") or object_at(conversion, "webhookClientConfig")
    versions = objects_at(spec, "versions")
    only = text_at(spec, "version")  # v1beta1 with a single version
    return CrdFacts(
        ref=ref_of(document),
        group=text_at(spec, "group"),
        kind=text_at(spec, "names", "kind"),
        plural=text_at(spec, "names", "plural"),
        served_versions=tuple(text_at(one, "name") for one in versions if flag_at(one, "served"))
        or tuple(filter(None, (only,))),
        storage_version=next((text_at(one, "name") for one in versions if flag_at(one, "storage")), only),
        conversion=_service_of(client),
        conversion_url=_url_of(client),
        ca_bundle=_bundle_of(client),
        ca_from=_ca_source_of(document),
        generation=generation_of(document),
        created_at=created_at_of(document),
        changed_at=changed_at_of(document),
    )


def read_policy(document: Object) -> PolicyFacts:
    """Read an admission policy or its binding."""
    return PolicyFacts(ref=ref_of(document), generation=generation_of(document), created_at=created_at_of(document))


def _read_webhook(webhook: Object, *, is_beta: bool) -> WebhookFactsOfObject:
    client = object_at(webhook, "clientConfig")
    return WebhookFactsOfObject(
        name=text_at(webhook, "name"),
        service=_service_of(client),
        url=_url_of(client),
        ca_bundle=_bundle_of(client),
        failure_policy=text_at(webhook, "failurePolicy") or ("Ignore" if is_beta else "Fail"),
        timeout_seconds=number_at(webhook, "timeoutSeconds"),
        rules=tuple(_read_rule(rule) for rule in objects_at(webhook, "rules")),
        namespace_selector=_read_selector(object_at(webhook, "namespaceSelector")),
        object_selector=_read_selector(object_at(webhook, "objectSelector")),
    )


def _read_rule(rule: Object) -> WebhookRule:
    groups = object_at(rule).get("apiGroups")
    return WebhookRule(
        groups=tuple(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else (),
        versions=texts_at(rule, "apiVersions"),
        resources=texts_at(rule, "resources"),
        operations=texts_at(rule, "operations"),
        scope=text_at(rule, "scope") or "*",
    )


def _read_selector(selector: Object) -> LabelSelector:
    expressions = objects_at(selector, "matchExpressions")
    return LabelSelector(
        match_labels=labels_at(selector, "matchLabels"),
        expressions=tuple(
            (text_at(one, "key"), text_at(one, "operator"), texts_at(one, "values")) for one in expressions
        ),
    )


def _service_of(client: Object) -> ServiceRef | None:
    service = object_at(client, "service")
    name = text_at(service, "name")
    if not name:
        return None
    port = number_at(service, "port") or _DEFAULT_PORT
    return ServiceRef(text_at(service, "namespace"), name, port, text_at(service, "path"))


def _url_of(client: Object) -> str | None:
    """The URL without user, query and fragment, which may hold secrets."""
    url = text_at(client, "url")
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:_MAX_URL_CHARS]


def _ca_source_of(document: Object) -> ObjectRef | None:
    for annotation, kind in _CA_SOURCES:
        namespace, _, name = text_at(document, "metadata", "annotations", annotation).partition("/")
        if namespace and name:
            return ObjectRef(kind, namespace, name)
    return None


def _bundle_of(client: Object) -> tuple[CertificateInfo, ...]:
    return read_base64(client.get("caBundle")).certificates
