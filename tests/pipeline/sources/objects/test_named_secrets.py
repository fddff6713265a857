"""Which Secrets are asked for: those of webhooks, and no others."""

from __future__ import annotations

import pytest

from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts, WebhookFactsOfObject
from parsers.facts.certificates import CertManagerCertificateFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.seen import AnyFacts, ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.sources.objects.named_secrets import MAX_SECRETS, NAMING_KINDS, NamedSecrets
from tests.pipeline.sources.objects.fake_api import AT

ORIGIN = Origin(source="objects")
GUARD = ServiceRef("tools", "guard")


def seen(facts: AnyFacts, *, is_deleted: bool = False) -> ObjectSeen:
    return ObjectSeen(AT, ORIGIN, 0, facts, is_deleted=is_deleted)


def webhook(service: ServiceRef | None = GUARD, ca_from: ObjectRef | None = None, name: str = "guard") -> ObjectSeen:
    """A ValidatingWebhookConfiguration with one webhook."""
    webhooks = (WebhookFactsOfObject(name="check.guard.dev", service=service),)
    ref = ObjectRef("ValidatingWebhookConfiguration", "", name)
    return seen(WebhookConfigurationFacts(ref=ref, webhooks=webhooks, ca_from=ca_from))


def crd(service: ServiceRef, ca_from: ObjectRef | None = None) -> ObjectSeen:
    """A CRD whose versions a webhook converts."""
    ref = ObjectRef("CustomResourceDefinition", "", "gates.acme.dev")
    return seen(CrdFacts(ref=ref, group="acme.dev", kind="Gate", plural="gates", conversion=service, ca_from=ca_from))


def certificate(
    *hosts: str, namespace: str = "tools", name: str = "guard", secret: str = "guard-tls", revision: int = 1
) -> ObjectSeen:
    """A Certificate of cert-manager."""
    ref = ObjectRef("Certificate", namespace, name)
    return seen(CertManagerCertificateFacts(ref=ref, secret_name=secret, dns_names=hosts, revision=revision))


def _names(*events: ObjectEvent, namespaces: tuple[str, ...] = ("*",)) -> list[str]:
    named = NamedSecrets(namespaces)
    for event in events:
        named.note(event)
    return [f"{ref.namespace}/{ref.name}" for ref in named.names()]


NAMED: dict[str, tuple[list[ObjectEvent], list[str]]] = {
    "no webhook": ([certificate("guard.tools.svc")], []),
    "Certificate for the webhook's Service": ([webhook(), certificate("guard.tools.svc")], ["tools/guard-tls"]),
    "by its full name": ([webhook(), certificate("guard.tools.svc.cluster.local")], ["tools/guard-tls"]),
    "in another order": ([certificate("guard.tools.svc"), webhook()], ["tools/guard-tls"]),
    "Certificate of an ingress": ([webhook(), certificate("shop.example.com")], []),
    "Certificate for it in another namespace": ([webhook(), certificate("guard.tools.svc", namespace="shop")], []),
    "Certificate that the caBundle is copied from": (
        [webhook(ca_from=ObjectRef("Certificate", "tools", "guard")), certificate("other")],
        ["tools/guard-tls"],
    ),
    "Secret that the caBundle is copied from": (
        [webhook(ca_from=ObjectRef("Secret", "pki", "root"))],
        ["pki/root"],
    ),
    "Certificate that is not there": ([webhook(ca_from=ObjectRef("Certificate", "tools", "gone"))], []),
    "conversion webhook of a product": (
        [crd(ServiceRef("emissary-system", "emissary-apiext"))],
        ["emissary-system/emissary-ingress-webhook-ca"],
    ),
    "admission webhook of a product": (
        [webhook(ServiceRef("kyverno", "kyverno-svc"))],
        ["kyverno/kyverno-svc.kyverno.svc.kyverno-tls-ca", "kyverno/kyverno-svc.kyverno.svc.kyverno-tls-pair"],
    ),
    "webhook that is gone": ([webhook(), certificate("guard.tools.svc"), seen(webhook().facts, is_deleted=True)], []),
    "webhook that is not in the list any more": (
        [webhook(), certificate("guard.tools.svc"), ObjectsListed(AT, ORIGIN, 0, "ValidatingWebhookConfiguration", ())],
        [],
    ),
    "list of another namespace": (
        [webhook(), certificate("guard.tools.svc"), ObjectsListed(AT, ORIGIN, 0, "Certificate", (), ("shop",))],
        ["tools/guard-tls"],
    ),
    "webhook without a Service": ([webhook(None), certificate("guard.tools.svc")], []),
}


@pytest.mark.parametrize(("events", "names"), NAMED.values(), ids=NAMED)
def test_named(events: list[ObjectEvent], names: list[str]) -> None:
    """By an object, or by the product that a Service is of."""
    assert names == _names(*events)


@pytest.mark.parametrize(
    ("namespaces", "names"),
    [((), []), (("tools",), ["tools/guard-tls"]), (("shop",), []), (("*",), ["tools/guard-tls"])],
    ids=["none", "its own", "another one", "any"],
)
def test_only_in_namespaces_that_are_allowed(namespaces: tuple[str, ...], names: list[str]) -> None:
    """Whatever objects name: who may write a Certificate must not choose what is read."""
    assert names == _names(webhook(), certificate("guard.tools.svc"), namespaces=namespaces)


def test_their_number_is_bounded() -> None:
    """Objects are written by tenants, too."""
    many = [certificate("guard.tools.svc", name=f"c{n}", secret=f"s{n}") for n in range(2 * MAX_SECRETS)]

    assert MAX_SECRETS == len(_names(webhook(), *many))


def test_all_that_names_some_has_to_be_seen_first() -> None:
    """A kind that may not be read, or is not installed, holds nothing back."""
    named = NamedSecrets(["*"])
    events: list[ObjectEvent] = [ObjectsListed(AT, ORIGIN, 0, kind, ()) for kind in NAMING_KINDS[1:]]
    told = [named.note(event) for event in events]
    assert ([False] * len(events), False) == (told, named.is_complete)

    assert named.note(ObjectsUnread(AT, ORIGIN, 0, NAMING_KINDS[0], "forbidden"))
    assert named.is_complete


def test_says_when_something_may_be_different() -> None:
    """A Certificate that was renewed has written its Secret; the same webhook again is nothing new."""
    named = NamedSecrets(["*"])

    assert named.note(webhook())
    assert not named.note(webhook())
    assert named.note(certificate("guard.tools.svc"))
    assert named.note(certificate("guard.tools.svc", revision=2))
