"""What is remembered of objects: versions, what cannot be read, what is gone."""

from __future__ import annotations

import pytest

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.engine.objects import ClusterObjects
from tests.pipeline.engine.builders import at

WATCH = Origin(source="objects/leases")


def _unread(*namespaces: str) -> ObjectsUnread:
    return ObjectsUnread(at(0), WATCH, 0, "Lease", "a right is missing", namespaces)


def _listed(*namespaces: str, refs: tuple[ObjectRef, ...] = ()) -> ObjectsListed:
    return ObjectsListed(at(1), WATCH, 0, "Lease", refs, namespaces)


def _lease(name: str, *, namespace: str = "shop", holder: str = "", seconds: float = 0) -> ObjectSeen:
    facts = LeaseFacts(ref=ObjectRef("Lease", namespace, name), holder=holder)
    return ObjectSeen(at(seconds), WATCH, 0, facts)


READ: dict[str, tuple[ObjectsUnread, ObjectsListed, list[str]]] = {
    "everywhere, then everywhere": (_unread(), _listed(), []),
    "in one namespace, then there": (_unread("shop"), _listed("shop"), []),
    "in one namespace, then in another": (_unread("shop"), _listed("tools"), ["Lease in shop"]),
    "in one namespace, then everywhere": (_unread("shop"), _listed(), []),
    "everywhere, then in one namespace": (_unread(), _listed("shop"), ["Lease"]),
}


@pytest.mark.parametrize(("unread", "listed", "left"), READ.values(), ids=READ)
def test_what_was_listed_can_be_read(unread: ObjectsUnread, listed: ObjectsListed, left: list[str]) -> None:
    """Where it was listed, and nowhere else."""
    objects = ClusterObjects()
    assert objects.note_unread(unread)
    assert objects.note_read(listed) is (not left)
    assert left == sorted(objects.unread)


def test_the_same_refusal_is_no_news() -> None:
    """It comes every minute."""
    objects = ClusterObjects()
    assert [True, False] == [objects.note_unread(_unread("shop")) for _ in range(2)]
    assert objects.is_unread("Lease", "shop")
    assert not objects.is_unread("Lease", "tools")


def test_what_a_list_of_one_namespace_does_not_have_is_gone_there_only() -> None:
    """Lists are of what was asked for."""
    objects = ClusterObjects()
    for seen in (_lease("a"), _lease("b"), _lease("a", namespace="tools")):
        objects.take(seen)
    listed = _listed("shop", refs=(ObjectRef("Lease", "shop", "b"),))
    assert [ObjectRef("Lease", "shop", "a")] == [seen.facts.ref for seen in objects.missing_from(listed)]
