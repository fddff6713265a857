"""Events as kubectl prints them: tables of every width, and descriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.objects.event_text import find_events, is_event_text
from parsers.objects.found import FoundObject, UnreadableObject

NOW = datetime(2026, 2, 1, 9, tzinfo=UTC)
CREATING = 'Error creating: Internal error occurred: failed calling webhook "inject.mesh.example"'

DEFAULT = f"""\
LAST SEEN           TYPE      REASON              OBJECT                      MESSAGE
3m (x17 over 8m)    Warning   FailedCreate        replicaset/api-7c9d5f6b8    {CREATING}
61s                 Normal    ScalingReplicaSet   rollout/api                 Scaled up replica set api-7c9d5f6b8
<unknown>           Warning   Odd                 widget.example.org/w        three   blanks   in it
"""
ALL_NAMESPACES = f"""\
NAMESPACE   LAST SEEN   TYPE      REASON         OBJECT                     MESSAGE
shop        3m          Warning   FailedCreate   replicaset/api-7c9d5f6b8   {CREATING}
"""
WIDE = """\
NAMESPACE   LAST SEEN   TYPE      REASON         OBJECT                     SUBOBJECT   SOURCE                   MESSAGE   FIRST SEEN   COUNT   NAME
shop        3m          Warning   FailedCreate   replicaset/api-7c9d5f6b8               replicaset-controller    no pods   8m           17      api.17a
"""  # noqa: E501
WATCHED = """\
LAST SEEN   TYPE      REASON   OBJECT   MESSAGE
0s          Normal    Pulled   pod/a    ok
1s          Warning   FailedCreate   replicaset/a-much-longer-name   no pods
"""
DESCRIBED = f"""\
Name:           api-7c9d5f6b8
Namespace:      shop
Selector:       app=api
Labels:         app=api
Controlled By:  Rollout/api
Replicas:       0 current / 3 desired
Events:
  Type     Reason        Age                 From                   Message
  ----     ------        ----                ----                   -------
  Normal   Started       2d3h                replicaset-controller  Created pod: api-x
  Warning  FailedCreate  3m (x17 over 8m)    replicaset-controller  {CREATING}


Name:         checkout
Namespace:    shop
Labels:       <none>
API Version:  argoproj.io/v1alpha1
Kind:         Rollout
Events:
  Type    Reason         Age  From                 Message
  ----    ------         ---- ----                 -------
  Normal  RolloutPaused  12s  rollouts-controller  Rollout is paused
"""


def read(text: str) -> list[KubernetesEventFacts]:
    found = list(find_events(text.encode(), NOW))
    assert all(isinstance(one, FoundObject) for one in found), found
    return [one.facts for one in found]


def ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


@pytest.mark.parametrize(
    "text", [DEFAULT, ALL_NAMESPACES, WIDE, WATCHED, DESCRIBED, DESCRIBED[DESCRIBED.index("  Type") :]]
)
def test_is_recognised(text: str) -> None:
    """By its header, or by the beginning of a description."""
    assert is_event_text(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "Name: x\n",
        "NAME   READY   STATUS   RESTARTS   AGE\n",
        "the LAST SEEN MESSAGE was TYPE REASON OBJECT\n",
        "",
        "\n",
    ],
)
def test_other_texts_are_not(text: str) -> None:
    """Tables of other objects, and logs."""
    assert not is_event_text(text.encode())


def test_default_table() -> None:
    """Ages count back from the time of the file; a kind that is not known stays as it is printed."""
    first, second, third = read(DEFAULT)

    assert (
        KubernetesEventFacts(
            ref=ObjectRef("Event", "", ""),
            involved=ObjectRef("ReplicaSet", "", "api-7c9d5f6b8"),
            reason="FailedCreate",
            type="Warning",
            message=CREATING,
            count=17,
            first_at=ago(minutes=8),
            last_at=ago(minutes=3),
        )
        == first
    )
    assert (ObjectRef("Rollout", "", "api"), 1, ago(seconds=61)) == (second.involved, second.count, second.last_at)
    assert ("three   blanks   in it", None, "widget") == (third.message, third.last_at, third.involved.kind)


@pytest.mark.parametrize(
    ("text", "component", "count", "first", "name"),
    [(ALL_NAMESPACES, "", 1, 3, ""), (WIDE, "replicaset-controller", 17, 8, "api.17a")],
    ids=["all namespaces", "wide"],
)
def test_tables_with_more_columns(text: str, component: str, count: int, first: int, name: str) -> None:
    """The namespace, the source and the count have columns of their own; some cells are empty."""
    (facts,) = read(text)

    assert ObjectRef("ReplicaSet", "shop", "api-7c9d5f6b8") == facts.involved
    assert (component, count, ago(minutes=first), name) == (
        facts.component, facts.count, facts.first_at, facts.ref.name
    )  # fmt: skip


def test_rows_of_a_watch_leave_the_columns() -> None:
    """Later rows are wider than the header."""
    assert ["Pulled", "FailedCreate"] == [facts.reason for facts in read(WATCHED)]
    assert ObjectRef("ReplicaSet", "", "a-much-longer-name") == read(WATCHED)[1].involved


def test_message_over_lines() -> None:
    """A line feed in a message is printed as it is."""
    (facts,) = read(ALL_NAMESPACES + "second line of it\n")

    assert f"{CREATING}\nsecond line of it" == facts.message


def test_descriptions() -> None:
    """The kind stands in the description, or the component tells it."""
    started, failed, paused = read(DESCRIBED)

    assert (ObjectRef("ReplicaSet", "shop", "api-7c9d5f6b8"), ago(days=2, hours=3)) == (
        started.involved,
        started.last_at,
    )
    assert (CREATING, 17, ago(minutes=8), ago(minutes=3)) == (
        failed.message, failed.count, failed.first_at, failed.last_at
    )  # fmt: skip
    assert (ObjectRef("Rollout", "shop", "checkout"), "RolloutPaused") == (paused.involved, paused.reason)


def test_a_row_that_is_none_is_told() -> None:
    """Text before the first row belongs to nothing."""
    header = DEFAULT.splitlines()[0]
    found = list(find_events(f"{header}\nNo resources found\n".encode(), NOW))

    assert [UnreadableObject(2, "it is no row of the table")] == found


@pytest.mark.parametrize("age", ["9" * 6 + "y", "999999d" * 4, "<invalid>", "5x", ""])
def test_ages_that_are_none(age: str) -> None:
    """Nothing overflows."""
    row = f"{age:<20}Warning   FailedCreate        replicaset/api-7c9d5f6b8    no"
    found = list(find_events(f"{DEFAULT.splitlines()[0]}\n{row}\n".encode(), NOW))

    assert 1 == len(found)
