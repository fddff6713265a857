"""Which Secrets hold the certificates of webhooks: those that objects name, and those of products that are known.

A Secret is asked for by its name only, so only what a webhook's Service is served with is ever looked at: not the
certificates of ingresses, and nothing that is no certificate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts
from parsers.facts.certificates import CertManagerCertificateFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from pipeline.engine.products import secrets_of_service

MAX_SECRETS: Final = 200
"""Named at most, in the order of their names: a cluster has some tens of webhooks."""
ANY_NAMESPACE: Final = "*"
NAMING_KINDS: Final = (
    "CustomResourceDefinition",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "Certificate",
)


class _Asked(msgspec.Struct, frozen=True):
    """What one object says about who is asked."""

    services: frozenset[ServiceRef]
    ca_from: ObjectRef | None


class NamedSecrets:
    """What the objects that were seen name. Used under the lock of its owner."""

    def __init__(self, namespaces: Sequence[str]) -> None:
        """`namespaces`: in which Secrets may be read; `*`: in any."""
        self._namespaces = frozenset(namespaces)
        self._asked: dict[ObjectRef, _Asked] = {}
        self._certificates: dict[ObjectRef, CertManagerCertificateFacts] = {}
        self._missing = set(NAMING_KINDS)

    @property
    def is_complete(self) -> bool:
        """Whether each kind that may name a Secret was listed, or cannot be."""
        return not self._missing

    def note(self, event: ObjectEvent) -> bool:
        """Take note of an object; says whether Secrets may be other ones now, or hold something else."""
        match event:
            case ObjectSeen(facts=CrdFacts() | WebhookConfigurationFacts() as facts):
                return self._note_asked(facts.ref, None if event.is_deleted else _asked_of(facts))
            case ObjectSeen(facts=CertManagerCertificateFacts() as certificate):
                if event.is_deleted:
                    return self._certificates.pop(certificate.ref, None) is not None
                self._certificates[certificate.ref] = certificate
                return True
            case ObjectsListed(kind=kind) if kind in NAMING_KINDS:
                return self._forget_absent(event) | self._note_kind(kind)
            case ObjectsUnread(kind=kind):
                return self._note_kind(kind)
        return False

    def _note_kind(self, kind: str) -> bool:
        is_new = kind in self._missing
        self._missing.discard(kind)
        return is_new and self.is_complete

    def names(self) -> list[ObjectRef]:
        """The Secrets, without repetition."""
        allowed = {ref for ref in self._named() if self._is_allowed(ref)}
        return sorted(allowed)[:MAX_SECRETS]

    def versions(self) -> dict[ObjectRef, CertManagerCertificateFacts]:
        """The Certificate that writes a Secret, where there is one: when it changes, the Secret may have."""
        return {
            ObjectRef("Secret", one.ref.namespace, one.secret_name): one
            for one in self._certificates.values()
            if one.secret_name
        }

    def _note_asked(self, ref: ObjectRef, asked: _Asked | None) -> bool:
        was = self._asked.pop(ref, None)
        if asked is not None:
            self._asked[ref] = asked
        return was != asked

    def _forget_absent(self, event: ObjectsListed) -> bool:
        there = set(event.refs)
        known: dict[ObjectRef, object] = {**self._asked, **self._certificates}
        gone = [
            ref
            for ref in known
            if ref.kind == event.kind
            and ref not in there
            and (not event.namespaces or ref.namespace in event.namespaces)
        ]
        for ref in gone:
            self._asked.pop(ref, None)
            self._certificates.pop(ref, None)
        return bool(gone)

    def _is_allowed(self, ref: ObjectRef) -> bool:
        return ANY_NAMESPACE in self._namespaces or ref.namespace in self._namespaces

    def _named(self) -> Iterator[ObjectRef]:
        services = {service for asked in self._asked.values() for service in asked.services}
        for service in services:
            for name in secrets_of_service(service):
                yield ObjectRef("Secret", service.namespace, name)
        for asked in self._asked.values():
            if asked.ca_from is not None:
                yield from self._behind(asked.ca_from)
        hosts = {(service.namespace, host) for service in services for host in service.hosts}
        for one in self._certificates.values():
            if one.secret_name and any((one.ref.namespace, name) in hosts for name in one.dns_names):
                yield ObjectRef("Secret", one.ref.namespace, one.secret_name)

    def _behind(self, source: ObjectRef) -> Iterator[ObjectRef]:
        if source.kind == "Secret":
            yield source
        certificate = self._certificates.get(source)
        if certificate is not None and certificate.secret_name:
            yield ObjectRef("Secret", source.namespace, certificate.secret_name)


def _asked_of(facts: CrdFacts | WebhookConfigurationFacts) -> _Asked:
    if isinstance(facts, CrdFacts):
        services = [facts.conversion] if facts.conversion is not None else []
    else:
        services = [webhook.service for webhook in facts.webhooks if webhook.service is not None]
    return _Asked(frozenset(services), facts.ca_from)
