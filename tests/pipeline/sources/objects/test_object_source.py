"""The objects of a cluster through the daemon, from an API server in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from parsers.facts.seen import ObjectSeen
from pipeline.cluster.calls import Call
from pipeline.errors import ConfigurationError
from pipeline.sources.live import Fetched
from pipeline.sources.objects.api import ApiError
from pipeline.sources.objects.cluster_api import object_sources
from pipeline.sources.objects.kinds import KINDS
from pipeline.sources.objects.source import ObjectSource
from pipeline.sources.pod_logs.settings import KubernetesSettings
from tests.pipeline.daemon.running import run, stored
from tests.pipeline.sources.objects.fake_api import FakeApi, page, replica_set
from tests.scenarios.scenarios import SCENARIOS

OBJECTS = SCENARIOS / "injector-expired-with-objects" / "objects"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A cluster in which a sidecar injector's certificate has ended."""
    api = FakeApi()
    for plural in ("rollouts", "replicasets", "horizontalpodautoscalers"):
        items = json.loads((OBJECTS / f"{plural}.json").read_text())["items"]
        for number, item in enumerate(items):
            item["metadata"].setdefault("resourceVersion", str(number + 1))
        api.lists[plural] = [page(*items)]
    with closing(api):
        yield api


def _read_all(source: ObjectSource) -> list[Fetched]:
    found = []
    for _ in range(1_000):
        fetched = source.read(0.05)
        if fetched is not None:
            found.append(fetched)
        elif source.status().is_caught_up:
            break
    return found


def test_streams_are_numbered_on_from_their_positions() -> None:
    """No observation comes twice under one number, whatever is listed again."""
    api = FakeApi()
    api.lists["replicasets"] = [page(replica_set("a", "1"), replica_set("b", "2"))]
    source = ObjectSource("objects", api, "")
    with closing(source):
        source.start({"replicasets.apps": b"7"})
        found = [one for one in _read_all(source) if one.stream == "replicasets.apps"]

    assert [7, 8, 9] == [event.line for one in found for event in one.objects]
    assert 10 == found[-1].next_line
    assert b"10" == source.position("replicasets.apps", 10)


def test_source_has_told_everything_when_all_kinds_are_listed() -> None:
    """Not before; then time goes on without observations."""
    source = ObjectSource("objects", FakeApi(), "")
    assert source.status().told_until_seconds is None
    with closing(source):
        source.start({})
        _read_all(source)
        assert source.status().is_caught_up
        assert source.status().told_until_seconds is not None


def test_start_again_ends_what_was_watched_before() -> None:
    """Else each of its connections would stay for minutes."""
    api = FakeApi()
    source = ObjectSource("objects", api, "", kinds=KINDS[:3])
    with closing(source):
        for _ in range(3):
            source.start({})
            _read_all(source)
        deadline = time.monotonic() + 120
        while api.streaming != 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert 3 == api.streaming


def test_namespaces_are_watched_one_by_one() -> None:
    """And what has no namespace as a whole."""
    api = FakeApi()
    source = ObjectSource("objects", api, "", namespaces=["shop", "desk"])
    with closing(source):
        source.start({})
        _read_all(source)

    paths = {path for path, _ in api.asked}
    assert {"/apis/apps/v1/namespaces/shop/replicasets", "/apis/apps/v1/namespaces/desk/replicasets"} <= paths
    assert "/apis/apps/v1/replicasets" not in paths
    assert "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" in paths


def test_blocked_rollout_is_an_incident_with_its_numbers(api: FakeApi, tmp_path: Path) -> None:
    """By the condition of its ReplicaSet, without a line of any log."""
    run(ObjectSource("objects", api, "prod"), tmp_path / "store.db")
    (incident,) = stored(tmp_path / "store.db")

    assert "tls.expired" == incident.cause.failure_class
    assert incident.cause.established
    assert "prod" == incident.cluster
    assert all(victim.drift for victim in incident.victims)


def test_incident_says_what_could_not_be_read(api: FakeApi, tmp_path: Path) -> None:
    """A right that is missing lowers what is known, and stops nothing."""
    api.lists["horizontalpodautoscalers"] = [ApiError("forbidden", 403)]
    run(ObjectSource("objects", api, "prod"), tmp_path / "store.db")
    (incident,) = stored(tmp_path / "store.db")

    (not_read,) = incident.coverage.not_read
    assert not_read.startswith("HorizontalPodAutoscaler: horizontalpodautoscalers.autoscaling may not be read")
    assert all("hpa_desired" not in (victim.drift or {}) for victim in incident.victims)


def test_second_start_changes_no_incident(api: FakeApi, tmp_path: Path) -> None:
    """It lists all objects again, and the engine knows them."""
    run(ObjectSource("objects", api, "prod"), tmp_path / "store.db")
    before = stored(tmp_path / "store.db")
    run(ObjectSource("objects", api, "prod"), tmp_path / "store.db")

    assert before == stored(tmp_path / "store.db")


def test_secrets_are_never_asked_for(api: FakeApi) -> None:
    """Nor is anything kept of an object but its facts."""
    source = ObjectSource("objects", api, "")
    with closing(source):
        source.start({})
        found = _read_all(source)

    assert not any("secrets" in path for path, _ in api.asked)
    seen = [event for one in found for event in one.objects if isinstance(event, ObjectSeen)]
    assert seen


def test_every_missing_right_is_in_the_status_once(api: FakeApi) -> None:
    """Three watches are of Events; a trouble that is none of rights is another thing."""
    api.lists["events"] = [ApiError("forbidden", 403)]
    api.lists["leases"] = [ApiError("forbidden", 403)]
    api.lists["services"] = [ApiError("forbidden", 403)]
    api.lists["namespaces"] = [ApiError("forbidden", 403)]
    with closing(ObjectSource("objects", api, "")) as source:
        source.start({})
        _read_all(source)
        status = source.status()

    assert ["events", "leases.coordination.k8s.io", "namespaces", "services"] == [
        sentence.partition(" may not")[0] for sentence in status.unread
    ]
    assert ("", True) == (status.problem, status.is_connected)


@pytest.mark.parametrize("settings", [{"secrets": ("tools",)}, {"object_namespaces": ("shop",)}])
def test_settings_of_objects_need_objects(settings: dict[str, tuple[str, ...]]) -> None:
    """Else they would be without effect, and nobody would say so."""
    with pytest.raises(ConfigurationError, match=r"kubernetes: secrets, object_namespaces: only with obj"):
        KubernetesSettings(objects=False, **settings).check()  # type: ignore[arg-type]


def test_settings_reach_the_source(api: FakeApi) -> None:
    """Where it looks, and whether for Secrets."""
    settings = KubernetesSettings(object_namespaces=("shop",), secrets=("*",))
    (source,) = object_sources(settings, lambda _: _Answering(api))
    with closing(source):
        source.start({})
        _read_all(source)

    paths = {path for path, _ in api.asked}
    assert "/apis/apps/v1/namespaces/shop/replicasets" in paths
    assert "/apis/apps/v1/replicasets" not in paths
    assert source.status().is_caught_up


class _Answering:
    """A `Cluster` in memory."""

    name, namespace = "eu-1", "default"

    def __init__(self, api: FakeApi) -> None:
        self._api = api

    def get(self, call: Call, query: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        del accept
        return self._api.get(call, query or {})

    def open(self, call: Call, query: Mapping[str, str], *, idle_seconds: float) -> _Silent:
        del idle_seconds
        self._api.asked.append((call.path, dict(query)))
        return _Silent()

    def close(self) -> None:
        self._api.close()


class _Silent:
    """A watch in which nothing changes."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        self._closed.wait()
        yield from ()

    def close(self) -> None:
        self._closed.set()
