"""The source as the daemon sees it: several pods and clusters, from the end, and pods that go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.cluster.settings import ClusterSettings
from pipeline.errors import ConfigurationError
from pipeline.sources.live import Fetched
from pipeline.sources.pod_logs.settings import KubernetesSettings
from pipeline.sources.pod_logs.source import PodLogSource
from tests.pipeline.sources.pod_logs.live_cluster import LiveCluster

SECONDS = 120.0


class Read:
    """What a source has given, by pod."""

    def __init__(self, source: PodLogSource) -> None:
        self.source = source
        self.numbers: dict[str, list[int]] = {}
        self.fetched: list[Fetched] = []

    def until(self, is_so: Callable[[], object]) -> None:
        """Read until something is so."""
        deadline = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < deadline, self.source.status()
            fetched = self.source.read(0.05)
            if fetched is not None:
                self.fetched.append(fetched)
                for block in fetched.blocks:
                    name = f"{block.origin.cluster}/{block.origin.pod}"
                    found = [int(line.rpartition(b"=")[2]) for line in block.data.splitlines()]
                    self.numbers.setdefault(name, []).extend(found)

    def positions(self) -> dict[str, bytes]:
        """As they would be stored."""
        ends = {fetched.stream: fetched.next_line for fetched in self.fetched}
        return {stream: self.source.position(stream, line) for stream, line in ends.items()}


@contextmanager
def _reading(*clusters: LiveCluster, positions: Mapping[str, bytes] | None = None, **settings: Any) -> Iterator[Read]:
    by_context = {cluster.name: cluster for cluster in clusters}

    def connect(asked: ClusterSettings) -> LiveCluster:
        return by_context[asked.context]

    source = PodLogSource(KubernetesSettings(contexts=tuple(by_context), **settings), connect)
    source.start(positions or {})
    try:
        yield Read(source)
    finally:
        source.close()


def test_pods_of_all_clusters_are_read() -> None:
    """Pods of one name are told apart by their cluster."""
    one, other = LiveCluster("one", a=3), LiveCluster("other", a=2, b=1)
    with _reading(one, other) as read:
        read.until(lambda: read.source.status().is_caught_up and sum(map(len, read.numbers.values())) == 6)
        assert {"one/a": [0, 1, 2], "other/a": [0, 1], "other/b": [0]} == read.numbers


def test_no_controller_is_told_until_there_is_one() -> None:
    """Of each cluster: silence is not health, and labels may be others than those of the manifests."""
    one, other = LiveCluster("one", a=3), LiveCluster("other")
    with _reading(one, other, selector="app=rollouts", namespaces=("argo", "team")) as read:
        read.until(lambda: read.source.status().is_caught_up)
        status = read.source.status()
        assert (
            "cluster other: no controller was found: there are no pods with the labels app=rollouts in namespace argo, "
            "no pods with the labels app=rollouts in namespace team (-n, -l, --deployment: where controllers are)"
        ) == status.nobody
        assert status.problem == status.nobody
        other.add("b", 1)
        read.until(lambda: not read.source.status().problem)
        assert not read.source.status().nobody


def test_from_the_end_means_what_is_there_at_the_start() -> None:
    """A pod that comes later is read from its beginning."""
    cluster = LiveCluster("one", a=5)
    with _reading(cluster, start="latest") as read:
        read.until(lambda: read.source.status().is_caught_up)
        cluster.write("a", 5)
        cluster.add("b", 2)
        read.until(lambda: len(read.numbers.get("one/b", ())) == 2 and "one/a" in read.numbers)
        assert {"one/a": [5], "one/b": [0, 1]} == read.numbers


def test_no_more_logs_than_allowed_are_followed() -> None:
    """The others wait, which is told, until one ends."""
    cluster = LiveCluster("one", a=1, b=1, c=1)
    with _reading(cluster, max_streams=2) as read:
        read.until(lambda: len(read.numbers) == 2)
        read.until(lambda: "waits, as max_streams logs are followed" in read.source.status().problem)
        assert not read.source.status().is_caught_up
        cluster.delete(next(iter(read.numbers)).rpartition("/")[2])
        read.until(lambda: len(read.numbers) == 3)


def test_more_logs_than_are_followed_take_turns() -> None:
    """Each is read, once, and what is written to it later, too."""
    cluster = LiveCluster("one", a=3, b=3, c=3)
    with _reading(cluster, max_streams=1, turn_seconds=0.01) as read:
        read.until(lambda: read.source.status().is_caught_up)
        for number in range(3, 6):
            for pod in "abc":
                cluster.write(pod, number)
            read.until(lambda: {3 * (number + 1)} == {sum(map(len, read.numbers.values()))})  # noqa: B023
        assert {f"one/{pod}": list(range(6)) for pod in "abc"} == read.numbers
        assert not any(fetched.gaps for fetched in read.fetched)


def test_pod_that_is_gone_is_over() -> None:
    """Also for the process that comes after this one, until nothing of it is stored any more."""
    cluster = LiveCluster("one", a=2, b=1)
    with _reading(cluster) as read:
        read.until(lambda: sum(map(len, read.numbers.values())) == 3)
        cluster.delete("a")
        read.until(lambda: any(fetched.is_over for fetched in read.fetched))
        (over,) = [fetched.stream for fetched in read.fetched if fetched.is_over]
        positions = read.positions()
    assert "one/argo/a/uid-a/main" == over
    with _reading(cluster, positions=positions) as again:
        again.until(lambda: any(fetched.is_over for fetched in again.fetched))
        assert [over] == [fetched.stream for fetched in again.fetched]


def test_start_again_goes_on() -> None:
    """After a commit that failed: from the positions that were stored."""
    cluster = LiveCluster("one", a=3)
    with _reading(cluster) as read:
        read.until(lambda: len(read.numbers.get("one/a", ())) == 3)
        positions = read.positions()
        cluster.write("a", 3)
        read.until(lambda: len(read.numbers["one/a"]) == 4)
        read.source.start(positions)
        cluster.write("a", 4)
        read.until(lambda: len(read.numbers["one/a"]) == 6)
        assert [0, 1, 2, 3, 3, 4] == read.numbers["one/a"]


@pytest.mark.parametrize("names", [("a/b/c",), ("argo/",), ("",)])
def test_deployments_are_names(names: tuple[str, ...]) -> None:
    """With a namespace in front or without."""
    with pytest.raises(ConfigurationError, match="deployments: expected NAME or NAMESPACE/NAME"):
        KubernetesSettings(deployments=names).check()


def test_logs_or_objects_are_read() -> None:
    """A section that reads nothing is a mistake."""
    with pytest.raises(ConfigurationError, match="pod_logs, objects: with both off nothing is read"):
        KubernetesSettings(pod_logs=False, objects=False).check()


def test_log_that_may_not_be_read_is_told_by_its_right() -> None:
    """In one sentence for all logs of a namespace, and not as a problem; that they are silent shows nothing."""
    cluster = LiveCluster("one", a=1, b=1)
    call = Call("get", "pods/log", "argo", "a")
    cluster.refusals = [CallError("one", call, Reason.FORBIDDEN, "pods/log is forbidden", 403) for _ in range(20)]
    with _reading(cluster) as read:
        read.until(lambda: len(cluster.refusals) <= 18 and read.source.status().is_caught_up)
        status = read.source.status()
    rule = '{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}'
    sentence = f"pods/log may not be read in namespace argo; a Role there with the rule {rule} would allow it"
    assert ((sentence,), "", True, True) == (status.unread, status.problem, status.is_refused, status.is_connected)
