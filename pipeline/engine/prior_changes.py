"""What changed before a trouble began, above all as far as objects say: facts, which blame nobody.

Of everything that a snapshot holds only what can have to do with a rollout is looked at: the stuck Rollouts and what
belongs to them, who is asked when objects are written or converted, certificates, and the pods and leases of what
stands in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from parsers.events import ObjectKey
from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts
from parsers.facts.references import ServiceRef
from pipeline.engine.analysis_runs import verdicts_on
from pipeline.engine.incidents import ChangeCategory
from pipeline.engine.inventory import Inventory
from pipeline.engine.object_changes import Change
from pipeline.engine.watched_changes import is_of_leader, watched_changes

LOOK_BACK = timedelta(hours=1)
"""So long before the onset a change is shown."""
LOOK_BACK_CERTIFICATES = timedelta(hours=24)
"""Certificates are looked at on new connections only: what went wrong with them shows late."""
LATE = timedelta(seconds=60)
"""Times in objects are whole seconds of other clocks: a change may be noted so long after what it caused."""
MAX_CHANGES = 20
"""Shown at most: the nearest to the onset."""


def nearest_before(onset_at: datetime, changes: Iterable[Change]) -> list[Change]:
    """Those near an onset and not after it, oldest first; of many the nearest."""
    found = {one for one in changes if onset_at - _look_back(one) <= one.at <= onset_at + LATE}
    return sorted(found)[-MAX_CHANGES:]


def _look_back(change: Change) -> timedelta:
    return LOOK_BACK_CERTIFICATES if change.category == "certificate" else LOOK_BACK


def changes_in_objects(
    keys: Iterable[ObjectKey], services: Collection[ServiceRef], inventory: Inventory
) -> Iterator[Change]:
    """Every change that objects tell of.

    Args:
        keys: what is stuck.
        services: whose pods and certificates stand behind the calls that fail.
        inventory: the objects.
    """
    if inventory.is_empty:
        return
    keys = list(keys)
    yield from watched_changes(keys, services, inventory)
    for key in keys:
        yield from _of_rollout(key, inventory)
    for configuration in inventory.webhook_configurations():
        yield from _of_asked(configuration, "webhook")
    for crd in inventory.crds():
        yield from _of_asked(crd, "crd")
    yield from _of_certificates(services, inventory)
    for service in services:
        yield from _of_pods(service, inventory)
    for lease in inventory.leases():
        if lease.acquired_at is not None and is_of_leader(lease):
            yield Change(lease.acquired_at, f"{lease.ref} is taken by {lease.holder or 'another process'}", "lease")


def _of_rollout(key: ObjectKey, inventory: Inventory) -> Iterator[Change]:
    rollout = inventory.rollout(key)
    if rollout is None:
        return
    generation = f", generation {rollout.generation}" if rollout.generation is not None else ""
    if rollout.changed_at is not None and rollout.changed_at != rollout.created_at:
        yield Change(rollout.changed_at, f"{rollout.ref} is changed{generation}", "rollout")
    if rollout.created_at is not None:
        yield Change(rollout.created_at, f"{rollout.ref} is created", "rollout")
    for replica_set in inventory.replica_sets(rollout.ref):
        if replica_set.created_at is not None:
            revision = f", revision {replica_set.revision}" if replica_set.revision else ""
            yield Change(replica_set.created_at, f"{replica_set.ref} is created{revision}", "rollout")
    autoscaler = inventory.autoscaler(rollout.ref)
    if autoscaler is not None and autoscaler.last_scale_at is not None:
        text = f"{autoscaler.ref} scales {rollout.ref}"
        text += f" to {autoscaler.desired}" if autoscaler.desired is not None else ""
        yield Change(autoscaler.last_scale_at, text, "autoscaler")
    yield from verdicts_on((key,), inventory)


def _of_asked(facts: WebhookConfigurationFacts | CrdFacts, category: ChangeCategory) -> Iterator[Change]:
    """Who is asked when objects are written or converted."""
    generation = f", generation {facts.generation}" if facts.generation is not None else ""
    if facts.created_at is not None:
        yield Change(facts.created_at, f"{facts.ref} is created", category)
    if facts.changed_at is not None and facts.changed_at != facts.created_at:
        yield Change(facts.changed_at, f"{facts.ref} is changed{generation}", category)


def _of_certificates(services: Collection[ServiceRef], inventory: Inventory) -> Iterator[Change]:
    for service in services:
        for secret in inventory.secrets_of(service):
            if secret.changed_at is not None:
                yield Change(secret.changed_at, f"{secret.ref} is changed", "certificate")
            for certificate in secret.certificates[:1]:
                yield Change(certificate.not_before, f"the certificate in {secret.ref} becomes valid", "certificate")
                yield Change(certificate.not_after, f"the certificate in {secret.ref} expires", "certificate")
        yield from _of_trusted(service, inventory)
    for managed in inventory.managed_certificates():
        for at, what in (
            (managed.not_before, "is renewed"),
            (managed.renewal_at, "is due for renewal"),
            (managed.not_after, "expires"),
        ):
            if at is not None:
                yield Change(at, f"{managed.ref} {what}", "certificate")


def _of_trusted(service: ServiceRef, inventory: Inventory) -> Iterator[Change]:
    for bundle in inventory.ca_bundles_of(service):
        authority = f"an authority in the caBundle of {bundle.ref}"
        for certificate in bundle.certificates:
            yield Change(certificate.not_before, f"{authority} becomes valid", "certificate")
            yield Change(certificate.not_after, f"{authority} expires", "certificate")


def _of_pods(service: ServiceRef, inventory: Inventory) -> Iterator[Change]:
    for pod in inventory.pods_of(service):
        if pod.started_at is not None:
            yield Change(pod.started_at, f"{pod.ref} starts", "pod")
        if pod.last_restart_at is not None:
            restarts = f", {pod.restarts} restarts in all" if pod.restarts > 1 else ""
            yield Change(pod.last_restart_at, f"a container of {pod.ref} restarts{restarts}", "pod")
