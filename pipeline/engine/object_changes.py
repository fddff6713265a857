"""What differs between two versions of an object, in words, where it can have to do with a rollout.

A fact with a time, which blames nobody. Only a watch tells when; numbers that come and go all day are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from parsers.facts.admission import CrdFacts, PolicyFacts, WebhookConfigurationFacts, WebhookFactsOfObject
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertificateInfo, CertManagerCertificateFacts, SecretFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ServiceRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts
from parsers.facts.services import EndpointSliceFacts, NamespaceFacts, ServiceFacts
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.incidents import ChangeCategory
from pipeline.engine.phrases import moment_text


class Change(msgspec.Struct, frozen=True, order=True):
    """Something that changed."""

    at: datetime
    what: str
    category: ChangeCategory


_CATEGORIES: Mapping[type, ChangeCategory] = {
    RolloutFacts: "rollout",
    ReplicaSetFacts: "rollout",
    HpaFacts: "autoscaler",
    WebhookConfigurationFacts: "webhook",
    PolicyFacts: "webhook",
    NamespaceFacts: "webhook",  # its labels decide which are asked
    CrdFacts: "crd",
    SecretFacts: "certificate",
    CertManagerCertificateFacts: "certificate",
    ServiceFacts: "service",
    EndpointSliceFacts: "service",
    LeaseFacts: "lease",
}


def category_of(facts: AnyFacts) -> ChangeCategory | None:
    """What a change of an object is filed under, None where nobody wants to know."""
    return _CATEGORIES.get(type(facts))


def changes_between(before: AnyFacts, after: AnyFacts, at: datetime) -> list[Change]:
    """What changed; empty where nothing did that matters."""
    category = category_of(after)
    if category is None or type(before) is not type(after):
        return []
    return [Change(at, f"{after.ref}: {what}", category) for what in _differences(before, after)]


def _differences(before: AnyFacts, after: AnyFacts) -> Iterator[str]:
    for part in (_of_workloads, _of_asked, _of_certificates, _of_others):
        yield from part(before, after)


def _of_workloads(before: AnyFacts, after: AnyFacts) -> Iterator[str]:
    match before, after:
        case RolloutFacts(), RolloutFacts():
            yield from _of_rollout(before, after)
        case ReplicaSetFacts(), ReplicaSetFacts():
            yield from _number("wants {} pods", before.desired, after.desired)
        case HpaFacts(), HpaFacts():
            yield from _number("wants {} pods", before.desired, after.desired)
            yield from _number("minReplicas is {}", before.minimum, after.minimum)
            yield from _number("maxReplicas is {}", before.maximum, after.maximum)


def _of_asked(before: AnyFacts, after: AnyFacts) -> Iterator[str]:
    """Who is asked when something is written or converted."""
    match before, after:
        case WebhookConfigurationFacts(), WebhookConfigurationFacts():
            yield from _of_configuration(before, after)
        case CrdFacts(), CrdFacts():
            yield from _of_crd(before, after)
        case PolicyFacts(), PolicyFacts():
            yield from _number("its spec is changed, generation {}", before.generation, after.generation)
        case NamespaceFacts(), NamespaceFacts() if before.labels != after.labels:
            yield f"its labels are changed ({_names(before.labels, after.labels)})"


def _of_certificates(before: AnyFacts, after: AnyFacts) -> Iterator[str]:
    match before, after:
        case SecretFacts(), SecretFacts() if before.certificates != after.certificates:
            yield f"holds another certificate{_validity(after.certificates)}"
        case CertManagerCertificateFacts(), CertManagerCertificateFacts():
            yield from _of_managed(before, after)


def _of_others(before: AnyFacts, after: AnyFacts) -> Iterator[str]:
    match before, after:
        case ServiceFacts(), ServiceFacts():
            yield from _of_service(before, after)
        case EndpointSliceFacts(), EndpointSliceFacts():
            yield from _of_endpoints(before, after)
        case LeaseFacts(), LeaseFacts() if before.holder != after.holder:
            yield f"is held by {after.holder or 'nobody'} (before: {before.holder or 'nobody'})"


def _of_rollout(before: RolloutFacts, after: RolloutFacts) -> Iterator[str]:
    yield from _number("wants {} pods", before.desired, after.desired)
    if after.current_hash and before.current_hash and before.current_hash != after.current_hash:
        yield f"gets a new pod template, {after.current_hash} (before: {before.current_hash})"
    if before.stable_hash and before.stable_hash != after.stable_hash:
        yield f"its stable version is {after.stable_hash} (before: {before.stable_hash})"
    if before.is_aborted != after.is_aborted:
        yield "is aborted" if after.is_aborted else "is no longer aborted"
    if before.is_paused != after.is_paused:
        yield "is paused" if after.is_paused else "goes on after a pause"
    if before.strategy != after.strategy:
        yield f"its strategy is {after.strategy or 'none'} (before: {before.strategy or 'none'})"
    if before.traffic != after.traffic or before.services != after.services:
        yield "its traffic routing is changed"


def _of_configuration(before: WebhookConfigurationFacts, after: WebhookConfigurationFacts) -> Iterator[str]:
    old = {webhook.name: webhook for webhook in before.webhooks}
    new = {webhook.name: webhook for webhook in after.webhooks}
    yield from (f"webhook {name} is added" for name in sorted(new.keys() - old.keys()))
    yield from (f"webhook {name} is removed" for name in sorted(old.keys() - new.keys()))
    for name in sorted(new.keys() & old.keys()):
        if what := ", ".join(_of_webhook(old[name], new[name])):
            yield f"webhook {name} is changed: {what}"


def _of_webhook(before: WebhookFactsOfObject, after: WebhookFactsOfObject) -> Iterator[str]:
    if before.ca_bundle != after.ca_bundle:
        yield f"its caBundle{_validity(after.ca_bundle)}"
    if (before.service, before.url) != (after.service, after.url):
        yield f"it calls {_place(after.service, after.url)} (before: {_place(before.service, before.url)})"
    if before.failure_policy != after.failure_policy:
        yield f"failurePolicy {after.failure_policy} (before: {before.failure_policy})"
    if before.timeout_seconds != after.timeout_seconds:
        yield f"timeoutSeconds {after.timeout_seconds} (before: {before.timeout_seconds})"
    if before.rules != after.rules:
        yield "what it is asked about"
    if (before.namespace_selector, before.object_selector) != (after.namespace_selector, after.object_selector):
        yield "its selectors"


def _of_crd(before: CrdFacts, after: CrdFacts) -> Iterator[str]:
    old, new = (before.conversion, before.conversion_url), (after.conversion, after.conversion_url)
    if old != new:
        yield f"it is converted by {_place(*new)} (before: {_place(*old)})"
    if before.ca_bundle != after.ca_bundle:
        yield f"the caBundle of its conversion is changed{_validity(after.ca_bundle)}"
    if before.served_versions != after.served_versions:
        served = ", ".join(after.served_versions) or "none"
        yield f"serves {served} (before: {', '.join(before.served_versions) or 'none'})"
    if before.storage_version != after.storage_version:
        yield f"is stored as {after.storage_version} (before: {before.storage_version})"


def _of_managed(before: CertManagerCertificateFacts, after: CertManagerCertificateFacts) -> Iterator[str]:
    reason = _not_ready(after)
    if reason != _not_ready(before):
        yield f"is not ready: {reason}" if reason else "is ready again"
    if before.dns_names != after.dns_names:
        yield "is for other names"


def _not_ready(facts: CertManagerCertificateFacts) -> str:
    return next(
        (one.reason or one.status for one in facts.conditions if (one.type, one.status) == ("Ready", "False")), ""
    )


def _of_service(before: ServiceFacts, after: ServiceFacts) -> Iterator[str]:
    if before.selector != after.selector:
        yield f"its selector is changed ({_names(before.selector, after.selector)})"
    if before.ports != after.ports:
        yield f"its ports are {_listed(after.ports)} (before: {_listed(before.ports)})"


def _of_endpoints(before: EndpointSliceFacts, after: EndpointSliceFacts) -> Iterator[str]:
    """Whether anybody answers at all."""
    if before.ready_count and not after.ready_count:
        yield f"no endpoint of {after.service} is ready any more (before: {before.ready_count})"
    elif after.ready_count and not before.ready_count:
        yield f"endpoints of {after.service} are ready again: {after.ready_count}"


def _number(words: str, before: int | None, after: int | None) -> Iterator[str]:
    if before is not None and after is not None and before != after:
        yield f"{words.format(after)} (before: {before})"


def _names(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The labels that differ."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _listed(ports: tuple[int, ...]) -> str:
    return ", ".join(map(str, ports)) or "none"


def _place(service: ServiceRef | None, url: str | None) -> str:
    return f"{service.namespace}/{service.name}:{service.port}" if service is not None else url or "nobody"


def _validity(certificates: tuple[CertificateInfo, ...]) -> str:
    if not certificates:
        return ", and is empty"
    first = certificates[0]
    return f", valid from {moment_text(first.not_before)} to {moment_text(first.not_after)}"
