"""How long a follower waits before it asks again."""

from __future__ import annotations

import pytest

from pipeline.cluster.calls import CallError, Reason
from pipeline.sources.pod_logs.following import LAST_PAUSE_SECONDS, REFUSED_SECONDS, Follower
from pipeline.sources.pod_logs.log_lines import log_call
from pipeline.sources.pod_logs.pods import ContainerId
from pipeline.sources.pod_logs.positions import History, Position
from pipeline.sources.pod_logs.turns import Turns
from tests.pipeline.sources.pod_logs.fake_cluster import FakeCluster
from tests.pipeline.sources.pod_logs.live_cluster import LiveCluster
from tests.pipeline.sources.pod_logs.reading import Reading

POD = ContainerId("one", "argo", "a", "uid-a", "main")


def _refusal(reason: Reason, status: int, wait: float | None = None) -> CallError:
    return CallError("one", log_call(POD), reason, "no", status, wait)


def _pauses(cluster: LiveCluster, count: int, woken: set[int] | None = None) -> list[float]:
    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == count:
            follower.close()
        return len(pauses) in (woken or ())

    follower = Follower(
        cluster,
        POD,
        History(Position(1, 1, 0)),
        Reading(FakeCluster(lambda _cluster, _moment: None)),
        idle_seconds=1,
        is_first_sight=True,
        turns=Turns(1, 10.0),
        wait=wait,
    )
    follower.run()
    return pauses


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.GONE, Reason.UNREACHABLE], ids=lambda one: one.value)
def test_pauses_grow_up_to_a_bound(reason: Reason) -> None:
    """With jitter."""
    cluster = LiveCluster("one", a=1)
    cluster.refusals = [_refusal(reason, 500) for _ in range(20)]
    pauses = _pauses(cluster, 12)
    assert pauses[0] <= 0.4
    assert LAST_PAUSE_SECONDS / 2 <= pauses[-1] <= LAST_PAUSE_SECONDS


def test_pause_that_the_server_asks_for_is_kept() -> None:
    """As an API server that has too much to do does."""
    cluster = LiveCluster("one", a=1)
    cluster.refusals = [_refusal(Reason.OVERLOADED, 429, 7.0), _refusal(Reason.FAILED, 503, 9.0)]
    assert [7.0, 9.0] == _pauses(cluster, 2)


def test_who_is_woken_begins_anew() -> None:
    """The pod's status says that something has happened: the next pause is short again."""
    cluster = LiveCluster("one", a=1)
    cluster.refusals = [_refusal(Reason.FAILED, 500) for _ in range(20)]
    pauses = _pauses(cluster, 8, woken={7})
    assert pauses[6] > 5
    assert pauses[7] <= 0.4


def test_log_that_may_not_be_read_is_asked_for_now_and_then() -> None:
    """Rights are given by people."""
    cluster = LiveCluster("one", a=1)
    cluster.refusals = [_refusal(Reason.FORBIDDEN, 403) for _ in range(20)]
    assert all(REFUSED_SECONDS / 2 <= pause <= REFUSED_SECONDS for pause in _pauses(cluster, 3))


class _Allowed(Reading):
    """Looks at the follower when lines come, and ends it: their log would go on."""

    follower: Follower
    seen: list[bool]

    def lines(self, container: ContainerId, lines: list[tuple[int, bytes]]) -> None:
        self.seen.append(self.follower.refusal is None)
        self.follower.close()


def test_right_that_is_given_is_known_while_the_log_goes_on() -> None:
    """Which may be for hours."""
    cluster = LiveCluster("one", a=1)
    cluster.refusals = [_refusal(Reason.FORBIDDEN, 403)]
    outbox = _Allowed(FakeCluster(lambda _cluster, _moment: None))
    outbox.seen = []

    def wait(_seconds: float) -> bool:
        outbox.seen.append(follower.refusal is None)
        return True

    follower = outbox.follower = Follower(
        cluster,
        POD,
        History(Position(1, 1, 0)),
        outbox,
        idle_seconds=1,
        is_first_sight=True,
        turns=Turns(1, 10.0),
        wait=wait,
    )
    follower.run()
    assert [False, True] == outbox.seen[:2]
