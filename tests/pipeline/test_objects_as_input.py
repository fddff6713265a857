"""Objects beside logs: they are counted, reach the engine, and what they say about failures is classified."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen
from parsers.records import Origin
from parsers.rules.loader import load_rules
from pipeline.classification import ClassificationFilter, ClassifiedLine, classify_files
from pipeline.engine.clusters import ClusterState
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLogs
from pipeline.replay import ReplayFilter, replay
from pipeline.sources.files import InputFiles
from pipeline.spool import EventSpool

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATING = (
    'Error creating: Internal error occurred: failed calling webhook "inject.mesh.example": failed to call webhook: '
    'Post "https://injector.mesh.svc:443/inject?timeout=10s": tls: failed to verify certificate: x509: certificate has '
    "expired or is not yet valid: current time 2026-03-01T11:00:00Z is after 2026-02-28T09:00:00Z"
)
EVENT = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "api.1", "namespace": "shop"},
    "involvedObject": {"kind": "Rollout", "namespace": "shop", "name": "api"},
    "reason": "FailedCreate",
    "type": "Warning",
    "message": CREATING,
    "lastTimestamp": "2026-03-01T11:00:00Z",
}
NORMAL = {**EVENT, "metadata": {"name": "api.2"}, "type": "Normal"}
TABLE = f"""\
NAMESPACE   LAST SEEN         TYPE      REASON         OBJECT           MESSAGE
shop        3m (x17 over 8m)  Normal    Scaled         rollout/api      Scaled up
shop        3m (x17 over 8m)  Warning   FailedCreate   replicaset/api   {CREATING}
"""
DESCRIPTION = f"""\
Name:           api
Namespace:      shop
Labels:         app=api
Kind:           Rollout
Events:
  Type     Reason        Age               From                   Message
  ----     ------        ----              ----                   -------
  Warning  FailedCreate  3m (x17 over 8m)  replicaset-controller  {CREATING}
"""


def classified(path: Path, chosen: ClassificationFilter | None = None) -> list[ClassifiedLine]:
    files = InputFiles([str(path)])
    found = list(classify_files(files, load_rules(()), chosen or ClassificationFilter(), read_at=NOW))
    assert [] == files.problems
    return found


@pytest.mark.parametrize(
    ("content", "line", "key"),
    [
        (json.dumps({"apiVersion": "v1", "kind": "List", "items": [NORMAL, EVENT]}, indent=1), 21, "rollout shop/api"),
        (json.dumps({"type": "ADDED", "object": EVENT}) + "\n", 1, "rollout shop/api"),
        (TABLE, 3, None),
        (DESCRIPTION, 8, "rollout shop/api"),
    ],
    ids=["list", "watch", "table", "description"],
)
def test_a_warning_event_is_a_recognised_line(content: str, line: int, key: str | None, tmp_path: Path) -> None:
    """With its class, what the message names, and the key where it is about one. Normal events are none."""
    path = tmp_path / "events"
    path.write_text(content)
    (found,) = classified(path)

    assert ("tls.expired", "inject.mesh.example", "injector.mesh.svc:443") == (
        found.failure_class, found.webhook, found.service
    )  # fmt: skip
    assert (str(path), line, key) == (found.source, found.line, found.key)


def test_filters_hold_for_events(tmp_path: Path) -> None:
    """A time before the wanted ones is left out."""
    path = tmp_path / "events.json"
    path.write_text(json.dumps(EVENT))

    assert [] == classified(path, ClassificationFilter(since=NOW))


def test_objects_are_counted_apart_from_logs(tmp_path: Path) -> None:
    """Lines of objects are no log lines."""
    (tmp_path / "a.log").write_text('time="2026-03-01T11:00:00Z" level=info msg="x"\n')
    (tmp_path / "objects.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n"
    )
    totals = replay(InputFiles([str(tmp_path)]), EngineSettings(), load_rules(()), read_at=NOW).totals

    assert (1, 2, 1) == (totals.lines, totals.objects, totals.object_files)


def test_objects_that_cannot_be_read_are_a_problem(tmp_path: Path) -> None:
    """The rest of the file is read all the same."""
    path = tmp_path / "objects.yaml"
    path.write_text("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n---\nkind: [\n")
    files = InputFiles([str(path)])
    totals = replay(files, EngineSettings(), load_rules(()), read_at=NOW).totals

    assert 1 == totals.objects
    assert ["a part of it cannot be read as an object, the first in line 6" in str(one) for one in files.problems] == [
        True
    ]


def seen(name: str, at: datetime, *, is_deleted: bool = False) -> ObjectSeen:
    facts = LeaseFacts(ref=ObjectRef("Lease", "shop", name))
    return ObjectSeen(at=at, origin=Origin(source="leases.json"), line=1, facts=facts, is_deleted=is_deleted)


def test_what_was_seen_before_the_time_asked_for_still_holds() -> None:
    """`--since` leaves out what happened before, not how things were; `--until` leaves out both."""
    hour = timedelta(hours=1)

    assert ReplayFilter(since=NOW).takes(seen("a", NOW - hour))
    assert not ReplayFilter(until=NOW).takes(seen("a", NOW + hour))


def test_the_engine_remembers_objects_and_forgets_deleted_ones() -> None:
    """A file of objects is no controller's log."""
    state = ClusterState(EngineSettings(), WatchedLogs())
    state.feed(seen("a", NOW))
    state.feed(seen("b", NOW))
    state.feed(seen("b", NOW, is_deleted=True))

    assert [ObjectRef("Lease", "shop", "a")] == list(state.objects.versions)
    assert not any(origin.is_controller for origin in state.origins.values())


def test_objects_survive_the_spool() -> None:
    """Events of a large file are put aside on the disk."""
    spool = EventSpool("leases.json")
    for number in range(50_001):
        spool.put(seen(f"n{number % 7}", NOW))
    events = list(spool)
    spool.close()

    assert 50_001 == len(events)
    assert seen("n0", NOW) == events[0]
    assert msgspec.msgpack.encode(events[-1])


ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "api", "namespace": "shop"}}
REPLICA_SET = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {
        "name": "api-6d9f8c7",
        "namespace": "shop",
        "ownerReferences": [{"kind": "Rollout", "name": "api", "controller": True}],
    },
    "status": {
        "replicas": 0,
        "conditions": [
            {
                "type": "ReplicaFailure",
                "status": "True",
                "message": CREATING,
                "lastTransitionTime": "2026-03-01T11:00:00Z",
            }
        ],
    },
}


@pytest.mark.parametrize(
    ("clusters", "expected", "notes"),
    [((), [None], 0), (("eu",), ["eu"], 0), (("eu", "us"), [None], 1)],
    ids=["none is named", "one is named", "two are named"],
)
def test_a_snapshot_is_of_the_one_cluster_that_is_named(
    clusters: tuple[str, ...], expected: list[str | None], notes: int, tmp_path: Path
) -> None:
    """Where several are named it stays apart, and the coverage says so."""
    (tmp_path / "objects.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [ROLLOUT, REPLICA_SET]})
    )
    for name in clusters:
        line = 'time="2026-03-01T11:30:00Z" level=info msg="Argo Rollouts starting" version=v1.7.1'
        (tmp_path / f"{name}.log").write_text(json.dumps({"cluster": name, "log": line}) + "\n")
    found = replay(InputFiles([str(tmp_path)]), EngineSettings(), load_rules(()), read_at=NOW).incidents

    assert expected == [incident.cluster for incident in found]
    assert [notes] == [len(incident.coverage.not_read) for incident in found]
