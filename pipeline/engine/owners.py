"""Which Rollout a ReplicaSet belongs to: as its owner reference says, else by its name where nothing speaks against it.

A Deployment's ReplicaSets are named in the same way. So a name is believed only of a Rollout that the input knows of,
and where a Deployment has the same name only if the Rollout's own status holds the hash.
Source: argo-rollouts utils/replicaset (NewRSName), k8s.io/apimachinery util/rand (SafeEncodeString of a number).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from parsers.events import ObjectKey
from parsers.facts.references import ObjectRef
from pipeline.engine.inventory import Inventory

_NAME: Final = re.compile(r"(?P<rollout>[a-z0-9][a-z0-9.-]{0,252})-(?P<hash>[4-9bcdf]{1,10})")


class Owners:
    """The Rollouts of ReplicaSets, as far as objects, Events and keys of logs tell."""

    def __init__(self, inventory: Inventory, keys: Collection[ObjectKey]) -> None:
        """`keys` are those that the controller's own lines name."""
        self._inventory = inventory
        self._keys = keys
        self._rollouts = {rollout.ref for rollout in inventory.rollouts()}
        involved = {event.involved for event in inventory.kubernetes_events()}
        self._rollouts |= {ref for ref in involved if ref.kind == "Rollout"}
        self._deployments = {(ref.namespace, ref.name) for ref in involved if ref.kind == "Deployment"}

    def rollout_of(self, replica_set: ObjectRef) -> ObjectKey | None:
        """The Rollout, None where it is not certain that there is one."""
        known = self._inventory.replica_set(replica_set.namespace, replica_set.name)
        if known is not None:
            owner = known.owner
            return _key(owner.namespace, owner.name) if owner is not None and owner.kind == "Rollout" else None
        name = _NAME.fullmatch(replica_set.name)
        if name is None:
            return None
        return self._known(replica_set.namespace, name["rollout"], name["hash"])

    def _known(self, namespace: str, name: str, template_hash: str) -> ObjectKey | None:
        places = self._places_of(namespace, name)
        if len(places) != 1:
            return None
        (place,) = places
        key = _key(place, name)
        rollout = self._inventory.rollout(key)
        is_shared = not self._deployments.isdisjoint({(place, name), (namespace, name)})
        if rollout is not None and rollout.workload_ref is not None:
            is_shared |= rollout.workload_ref.name == name
        if is_shared and (rollout is None or template_hash not in (rollout.stable_hash, rollout.current_hash)):
            return None
        return key

    def _places_of(self, namespace: str, name: str) -> set[str]:
        """In which namespaces a Rollout of the name is known. A table of one namespace does not say which it is."""
        if namespace:
            is_known = _key(namespace, name) in self._keys or ObjectRef("Rollout", namespace, name) in self._rollouts
            return {namespace} if is_known else set()
        places = {ref.namespace for ref in self._rollouts if ref.name == name}
        places |= _namespaces(self._keys, name)
        return places - {""} or places

    def key_of(self, rollout: ObjectRef) -> ObjectKey | None:
        """The key of a Rollout, in its namespace where only others name that."""
        if rollout.namespace:
            return _key(rollout.namespace, rollout.name)
        places = self._places_of("", rollout.name)
        return _key(next(iter(places)), rollout.name) if len(places) == 1 else None


def _namespaces(keys: Iterable[ObjectKey], name: str) -> set[str]:
    return {key.namespace for key in keys if key.kind == "rollout" and key.name == name}


def _key(namespace: str, name: str) -> ObjectKey:
    return ObjectKey("rollout", namespace, name)
