"""How the objects tie what is stuck to its culprit, link by link: from the Rollout to the Service behind the webhook.

A chain is told whole or not at all. Objects that lead to somebody else than the culprit confirm nothing: they may have
been changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from parsers.events import Failure, ObjectKey
from parsers.facts.admission import CrdFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.workloads import ReplicaSetFacts
from pipeline.engine.culprits import Culprit
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import Relation
from pipeline.engine.inventory import Inventory
from pipeline.engine.products import secrets_of_service

MAX_VICTIMS: Final = 3
"""Of more victims, the first stand for all: the chain from the webhook on is the same."""


def relations_of(trouble: Trouble, inventory: Inventory) -> tuple[Relation, ...]:
    """The links of the first victims, each once; nothing where the objects do not lead to the culprit."""
    culprit = trouble.cause.culprit
    if culprit is None or culprit.kind != "Service" or inventory.is_empty:
        return ()
    found: dict[Relation, None] = {}
    keys = list(dict.fromkeys(member.key for member in trouble.members))
    for key in keys[:MAX_VICTIMS]:
        failures = [tally.failure for one in trouble.members if one.key == key for tally in one.spell.tallies()]
        found.update(dict.fromkeys(_links_of(key, failures, culprit, inventory)))
    return tuple(found)


def _links_of(key: ObjectKey, failures: Iterable[Failure], culprit: Culprit, inventory: Inventory) -> list[Relation]:
    for failure in dict.fromkeys(failures):
        links = _by_conversion(key, failure, culprit, inventory) or _by_admission(key, failure, culprit, inventory)
        if links:
            return [*_scaling(key, inventory), *links, *_certificate(culprit, inventory)]
    return []


def _by_conversion(key: ObjectKey, failure: Failure, culprit: Culprit, inventory: Inventory) -> list[Relation]:
    """Rollout -> object of its traffic routing -> CRD -> Service."""
    crd = _crd_of(failure, inventory)
    if crd is None or not _is(crd.conversion, culprit):
        return []
    last = Relation(str(crd.ref), _name_of(culprit), "spec.conversion.webhook.clientConfig.service")
    rollout = inventory.rollout(key)
    used = [] if rollout is None else [one for one in rollout.traffic if (one.group, one.kind) == (crd.group, crd.kind)]
    links = []
    for one in used[:1]:
        routed = ObjectRef(one.kind, key.namespace, one.name)
        field = f"spec.strategy.canary.trafficRouting.{one.provider}"
        links = [Relation(_title(key), str(routed), field), Relation(str(routed), str(crd.ref), "its kind")]
    return [*(links or [Relation(_title(key), str(crd.ref), "its error names the kind")]), last]


def _crd_of(failure: Failure, inventory: Inventory) -> CrdFacts | None:
    """Of the kind that could not be converted, or of the resource that was asked for."""
    if failure.is_conversion and failure.kind is not None:
        group_version, _, kind = failure.kind.partition(", Kind=")
        return inventory.crd(group=group_version.rpartition("/")[0], kind=kind)
    if failure.named_object is not None and failure.webhook is None:
        plural, _, group = failure.named_object.resource.partition(".")
        return inventory.crd(group=group, plural=plural) if group else None
    return None


def _by_admission(key: ObjectKey, failure: Failure, culprit: Culprit, inventory: Inventory) -> list[Relation]:
    """Rollout -> ReplicaSet that cannot create its pods -> webhook configuration -> Service."""
    found = inventory.webhook(failure.webhook) if failure.webhook is not None else None
    if found is None or not _is(found[1].service, culprit):
        return []
    configuration = found[0].ref
    asked = f"webhook {found[1].name}"
    blocked = next(_blocked_sets(key, found[1].name, inventory), None)
    links = [Relation(_title(key), str(configuration), f"its error names the {asked}")]
    if blocked is not None:
        creates = f"{asked} is asked when a pod is created"
        links = [
            Relation(_title(key), str(blocked.ref), "its owner reference"),
            Relation(str(blocked.ref), str(configuration), creates),
        ]
    return [*links, Relation(str(configuration), _name_of(culprit), "webhooks[].clientConfig.service")]


def _blocked_sets(key: ObjectKey, webhook: str, inventory: Inventory) -> Iterator[ReplicaSetFacts]:
    if key.kind != "rollout":
        return
    for one in inventory.replica_sets(ObjectRef("Rollout", key.namespace, key.name)):
        if any(each.type == "ReplicaFailure" and webhook in each.message for each in one.conditions):
            yield one


def _scaling(key: ObjectKey, inventory: Inventory) -> Sequence[Relation]:
    """Who wants another number of pods than the Rollout can give."""
    hpa = inventory.autoscaler(ObjectRef("Rollout", key.namespace, key.name)) if key.kind == "rollout" else None
    return () if hpa is None else (Relation(str(hpa.ref), _title(key), "spec.scaleTargetRef"),)


def _certificate(culprit: Culprit, inventory: Inventory) -> Sequence[Relation]:
    """The Secret whose certificate is for the Service, where there is one and only one."""
    service = ServiceRef(culprit.namespace, culprit.name)
    secrets = inventory.secrets_of(service)
    if len(secrets) != 1:
        return ()
    is_usual = secrets[0].ref.name in secrets_of_service(service)
    by = "where its product keeps it" if is_usual else "the names or the authority in its certificate"
    return (Relation(_name_of(culprit), str(secrets[0].ref), by),)


def _is(service: ServiceRef | None, culprit: Culprit) -> bool:
    return service is not None and (service.namespace, service.name) == (culprit.namespace, culprit.name)


def _name_of(culprit: Culprit) -> str:
    return str(ObjectRef(culprit.kind, culprit.namespace, culprit.name))


def _title(key: ObjectKey) -> str:
    kinds = {"rollout": "Rollout", "experiment": "Experiment", "analysisrun": "AnalysisRun"}
    return str(ObjectRef(kinds.get(key.kind, key.kind.title()), key.namespace, key.name))


def path_of(relations: Sequence[Relation]) -> str:
    """The chain of the first victim, as `Rollout a/b > Mapping a/b > …`."""
    steps: list[str] = []
    for one in relations:
        if steps and one.source != steps[-1]:
            break
        steps += [one.target] if steps else [one.source, one.target]
    return " > ".join(steps)
