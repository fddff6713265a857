"""The watch of one kind against an API server that refuses, cuts, forgets and comes back."""

from __future__ import annotations

from parsers.facts.seen import ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.sources.objects.api import ApiError
from pipeline.sources.objects.kinds import KINDS, WatchedKind
from pipeline.sources.objects.list_watch import ListWatch
from tests.pipeline.sources.objects.fake_api import FakeApi, Stepping, bookmark, change, expired, page, replica_set

REPLICA_SETS = next(kind for kind in KINDS if kind.kind == "ReplicaSet")
HPAS = next(kind for kind in KINDS if kind.kind == "HorizontalPodAutoscaler")
LEASES = next(kind for kind in KINDS if kind.kind == "Lease")


def _run(api: FakeApi, kind: WatchedKind = REPLICA_SETS, *, pauses: int = 0, announced: int = -1) -> Stepping:
    """Let it work until it has paused once more than `pauses`: at the latest when its watches are used up."""
    around = Stepping(pauses=pauses, announced=announced)
    api.watches.setdefault(kind.plural, [[bookmark("10")]])
    ListWatch(api, kind, Origin(source="objects"), around).run()
    return around


def _told(around: Stepping) -> list[str]:
    """What was handed out, in short."""
    told = []
    for event in around.events:
        match event:
            case ObjectSeen():
                told.append(f"{'gone' if event.is_deleted else 'seen'} {event.facts.ref.name}")
            case ObjectsListed():
                told.append(f"listed {' '.join(ref.name for ref in event.refs)}".strip())
            case ObjectsUnread():
                told.append(f"unread {event.kind}")
    return told


def test_all_pages_are_listed_then_watched_from_their_version() -> None:
    """With bookmarks, from the version of the list."""
    api = FakeApi()
    api.lists["replicasets"] = [page(replica_set("a", "1"), continued="more"), page(replica_set("b", "2"), version="7")]
    around = _run(api)

    assert ["seen a", "seen b", "listed a b"] == _told(around)
    assert ["500", "500", None] == [query.get("limit") for _, query in api.asked][:3]
    assert "more" == api.asked[1][1]["continue"]
    assert ("7", "true") == (api.asked[2][1]["resourceVersion"], api.asked[2][1]["allowWatchBookmarks"])


def test_watch_goes_on_from_the_newest_version() -> None:
    """A bookmark counts, too, when the server ends the watch."""
    api = FakeApi()
    api.lists["replicasets"] = [page(replica_set("a", "1"))]
    api.watches["replicasets"] = [[change("MODIFIED", replica_set("a", "11", has=0)), bookmark("15")], [bookmark("16")]]
    around = _run(api)

    assert ["seen a", "listed a", "seen a"] == _told(around)
    assert ["10", "15"] == [query["resourceVersion"] for _, query in api.asked if "watch" in query][:2]


def test_cut_watch_goes_on_behind_what_it_has_shown() -> None:
    """Nothing comes twice, and nothing is listed again."""
    api = FakeApi()
    api.lists["replicasets"] = [page(replica_set("a", "1"))]
    cut = ApiError("the connection was cut")
    api.watches["replicasets"] = [[change("DELETED", replica_set("a", "12")), cut], [bookmark("13")]]
    around = _run(api, pauses=1)

    assert ["seen a", "listed a", "gone a"] == _told(around)[:3]
    assert "12" == [query for _, query in api.asked if "watch" in query][1]["resourceVersion"]


def test_too_old_a_version_lists_again_and_tells_who_is_left() -> None:
    """What did not change is not shown again; what is gone is missing in the list."""
    api = FakeApi()
    api.lists["replicasets"] = [
        page(replica_set("a", "1"), replica_set("b", "2")),
        page(replica_set("b", "2"), version="30"),
    ]
    api.watches["replicasets"] = [[expired()], [bookmark("31")]]
    around = _run(api, pauses=1)

    assert ["seen a", "seen b", "listed a b", "listed b"] == _told(around)[:4]
    assert "30" == [query for _, query in api.asked if "watch" in query][1]["resourceVersion"]


def test_change_of_nothing_that_is_kept_is_not_shown() -> None:
    """As the renewals of a Lease: the first is told, as somebody is alive, and then one in half a minute."""
    api = FakeApi()

    def lease(version: str, holder: str, renewed: str) -> dict[str, object]:
        spec = {"holderIdentity": holder, "renewTime": renewed}
        return {"metadata": {"name": "lock", "namespace": "argo-rollouts", "resourceVersion": version}, "spec": spec}

    api.lists["leases"] = [page(lease("1", "x", "2026-11-23T15:00:00Z"))]
    api.watches["leases"] = [
        [
            change("MODIFIED", lease("2", "x", "2026-11-23T15:00:02Z")),
            change("MODIFIED", lease("3", "x", "2026-11-23T15:00:04Z")),
            change("MODIFIED", lease("4", "y", "2026-11-23T15:00:09Z")),
        ]
    ]
    around = _run(api, LEASES)

    assert ["seen lock", "listed lock", "seen lock", "seen lock"] == _told(around)
    assert [("argo-rollouts-controller-lock",)] == [
        one.names for one in around.events if isinstance(one, ObjectsListed)
    ]


def test_missing_right_is_told_with_its_rule_and_tried_again() -> None:
    """Others go on: it is no error."""
    api = FakeApi()
    api.lists["replicasets"] = [ApiError("forbidden", 403), page(replica_set("a", "1"))]
    around = _run(api, pauses=1)

    assert ["unread ReplicaSet", "seen a", "listed a"] == _told(around)[:3]
    unread = around.events[0]
    assert isinstance(unread, ObjectsUnread)
    assert '{apiGroups: ["apps"], resources: ["replicasets"], verbs: ["list", "watch"]}' in unread.why
    assert (True, False) == (around.states[0].is_listed, around.states[0].is_watching)


def test_older_version_of_an_api_is_good_enough() -> None:
    """HPAs of v1 where v2 is not served."""
    api = FakeApi()
    api.lists["horizontalpodautoscalers"] = [ApiError("not found", 404), page()]
    around = _run(api, HPAS)

    assert ["listed"] == _told(around)
    paths = [path for path, _ in api.asked]
    assert ["/apis/autoscaling/v2", "/apis/autoscaling/v1", "/apis/autoscaling/v1"] == [
        path.rpartition("/")[0] for path in paths
    ][:3]


def test_kind_that_is_not_installed_is_waited_for() -> None:
    """It is an empty list until then."""
    api = FakeApi()
    api.lists["replicasets"] = [ApiError("not found", 404), page(replica_set("a", "1"))]
    around = _run(api, pauses=1)

    assert ["listed", "seen a", "listed a"] == _told(around)[:3]
    assert 600.0 == around.pauses[0]


def test_kind_that_is_announced_and_not_served_yet_is_looked_for_soon() -> None:
    """And less and less often, where it does not come."""
    api = FakeApi()
    absent = ApiError("not found", 404)
    api.lists["replicasets"] = [absent, absent, absent, absent, page(replica_set("a", "1"))]
    around = _run(api, pauses=4, announced=0)

    assert [600.0, 1.0, 2.0, 4.0] == around.pauses[:4]
    assert "seen a" in _told(around)


def test_outage_is_waited_out_longer_and_longer() -> None:
    """And as long as the server asks for, where it does."""
    api = FakeApi()
    away = ApiError("connection refused")
    api.lists["replicasets"] = [away, away, away, ApiError("too many requests", 429, 17.0), page()]
    around = _run(api, pauses=3)

    assert [1.0, 2.0, 4.0, 17.0] == around.pauses
    assert "connection refused" == around.states[0].problem
