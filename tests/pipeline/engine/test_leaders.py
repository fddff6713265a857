"""Leader and standby are told apart by their Lease: whose lines count, and whose silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.engine.clusters import ClusterState
from pipeline.engine.engine import Engine
from pipeline.engine.hearing import ControllerName, Hearing
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import LOCK, Leadership, Role, find_leadership, role_of
from pipeline.engine.listener import Listener
from pipeline.engine.origins import OriginState
from pipeline.engine.pod_names import host_of, workload_of
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLogs
from tests.pipeline.engine.builders import at, complete, fail, lead, rules
from tests.pipeline.engine.test_silence import Act, Story, chats, is_silent, works

WATCH = Origin(source="objects/leases.coordination.k8s.io")
UUID = "29bc276e-24cf-49d3-ba18-30705b5ef3d7"
A, B = (
    Origin(source=f"logs/{name}", namespace="argo-rollouts", pod=f"argo-rollouts-6d4f8c7b5-{name}")
    for name in ("bcdfg", "hjklm")
)
SECOND = Origin(source="logs/s", namespace="argo-rollouts", pod="rollouts-b-7f9c6d5b8-tvwxz")
ON_NODE = Origin(source="logs/n", namespace="argo-rollouts", pod="argo-rollouts-6d4f8c7b5-kkkkk")


def lease(holder: str, *, namespace: str = "argo-rollouts", seconds: float = 0, name: str = LOCK) -> LeaseFacts:
    """A Lease, taken then."""
    return LeaseFacts(ref=ObjectRef("Lease", namespace, name), holder=holder, acquired_at=at(seconds))


def held_by(origin: Origin, *, namespace: str = "argo-rollouts", seconds: float = 0) -> LeaseFacts:
    """The Lease of a controller, held by a pod."""
    return lease(f"{origin.pod}_{UUID}", namespace=namespace, seconds=seconds)


def known(*origins: Origin, identity: str = "") -> dict[Origin, OriginState]:
    """Controllers that were heard."""
    return {
        origin: OriginState(at(0), at(60), is_controller=True, identity=identity if origin is ON_NODE else "")
        for origin in origins
    }


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("argo-rollouts-6d4f8c7b5-bcdfg", "argo-rollouts"),
        ("my-release-argo-rollouts-7c9d5f6b8-h4x2m", "my-release-argo-rollouts"),
        ("controller-0", "controller"),
        ("argo-rollouts", ""),
        ("argo-rollouts-dashboard", ""),
        ("", ""),
    ],
)
def test_workload_is_told_by_the_name_of_the_pod(pod: str, workload: str) -> None:
    """Where it looks like one that Kubernetes made."""
    assert workload == workload_of(pod)


def test_host_name_is_cut() -> None:
    """At 63 characters, and not behind a dash."""
    assert "a" * 62 == host_of("a" * 62 + "-7c9d5f6b8-h4x2m")


@pytest.mark.parametrize(
    ("leases", "heard", "role"),
    [
        ([], [A], Role.UNKNOWN),
        ([held_by(A)], [A], Role.LEADS),
        ([held_by(A)], [B], Role.LEADS),  # the leader is another pod of it, of which no line was read yet
        ([held_by(SECOND)], [A, SECOND], Role.STANDS_BY),
        ([held_by(SECOND)], [A], Role.UNKNOWN),  # nobody knows whose pod that is
        ([held_by(A, namespace="locks")], [A], Role.LEADS),
        ([held_by(A, namespace="locks")], [B], Role.UNKNOWN),  # a pod of that name may run anywhere
        ([held_by(A, namespace="locks"), held_by(SECOND, namespace="other")], [A, SECOND], Role.LEADS),
        ([held_by(SECOND, seconds=-9), held_by(A)], [A, SECOND], Role.LEADS),
        ([lease("")], [A], Role.UNKNOWN),
        ([lease(f"node-1_{UUID}")], [A], Role.UNKNOWN),
        ([lease(f"{A.pod}_{UUID}", name="another")], [A], Role.UNKNOWN),
    ],
)
def test_role_of_a_controller(leases: list[LeaseFacts], heard: list[Origin], role: Role) -> None:
    """By Leases whose holder is known to be a controller's."""
    found = find_leadership(leases, known(*heard), "argo-rollouts", "argo-rollouts")
    assert role is found.role


def test_process_on_the_network_of_its_node_is_known_by_its_own_words() -> None:
    """Its host name is the node's."""
    origins = known(A, ON_NODE, identity=f"node-1_{UUID}")
    found = find_leadership([lease(f"node-1_{UUID}")], origins, "argo-rollouts", "argo-rollouts")
    roles = {origin.pod[-5:]: role_of(found, origin, state) for origin, state in origins.items()}
    assert ("node-1", {"bcdfg": Role.STANDS_BY, "kkkkk": Role.LEADS}) == (found.host, roles)


def test_without_leases_everybody_may_lead() -> None:
    """And nobody stands by."""
    (state,) = known(A).values()
    assert Role.UNKNOWN is role_of(Leadership(), A, state)


def takes_lease(origin: Origin, *, namespace: str = "argo-rollouts") -> Act:
    """The watch of Leases shows another holder."""

    def act(story: Story) -> Iterator[Incident]:
        seconds = 60.0 * story.minute
        facts = held_by(origin, namespace=namespace, seconds=seconds)
        yield from story.engine.feed(ObjectSeen(at(seconds), WATCH, 0, facts))

    return act


def _both(minutes: int, one: Origin, other: Origin, *, is_one_working: bool) -> Act:
    """Two controllers print in the same minutes."""

    def act(story: Story) -> Iterator[Incident]:
        for _ in range(minutes):
            for origin, is_working in ((one, is_one_working), (other, True)):
                if is_working:
                    event = complete(60 * story.minute, origin=origin)
                    yield from story.hear(event, origin, is_work=True)
            yield from story.wait()

    return act


def _is_lost(story: Story) -> Iterator[Incident]:
    """Leases may not be read any more."""
    why = "leases.coordination.k8s.io may not be read; this rule would let them: {…}"
    yield from story.engine.feed(ObjectsUnread(at(60 * story.minute), WATCH, 0, "Lease", why))


def _lists_no_lease(story: Story) -> Iterator[Incident]:
    yield from story.engine.feed(ObjectsListed(at(60 * story.minute), WATCH, 0, "Lease", ()))


def _leads(origin: Origin) -> Act:
    """It says that it leads now, before the watch does."""

    def act(story: Story) -> Iterator[Incident]:
        yield from story.hear(lead(60 * story.minute, origin=origin), origin, is_work=False)

    return act


def _other(minutes: int, origin: Origin) -> Act:
    """A standby fails at something: it shows that it is a controller."""

    def act(story: Story) -> Iterator[Incident]:
        yield from story.hear(fail(60 * story.minute, origin=origin), origin, is_work=False)
        yield from chats(minutes, origin=origin)(story)

    return act


TOLD: dict[str, tuple[list[Act], list[tuple[int, str, str]]]] = {
    "a leader is silent, a standby is not": (
        [works(20), takes_lease(A), works(5, origin=A), _other(20, B)],
        [(34, "opened", "silent")],
    ),
    "the same, and Leases may not be read": (
        [works(20), takes_lease(A), works(5, origin=A), _is_lost, _other(8, B)],
        [],
    ),
    "the same, and there is no Lease": (
        [works(20), takes_lease(A), works(5, origin=A), _lists_no_lease, _other(8, B)],
        [],
    ),
    "a standby is silent, the leader is not": (
        [takes_lease(A), _both(30, B, A, is_one_working=False)],
        [],
    ),
    "the leader changes, and the new one works": (
        [takes_lease(A), works(20, origin=A), is_silent(5), takes_lease(B), works(20, origin=B)],
        [],
    ),
    "the leader changes while it is silent, and its first lines came before the Lease did": (
        [
            takes_lease(A),
            works(20, origin=A),
            _other(1, B),
            is_silent(11),
            _leads(B),
            takes_lease(B),
            is_silent(2),
            works(5, origin=B),
        ],
        [(29, "opened", "silent"), (33, "resolved", "heard_again")],
    ),
    "the leader changes, and the new one says nothing": (
        [takes_lease(A), works(20, origin=A), is_silent(5), takes_lease(B), is_silent(20)],
        [(35, "opened", "silent")],
    ),
    "who works leads, whatever an old Lease says": (
        [takes_lease(B), _other(1, B), works(20, origin=A)],
        [],
    ),
    "two controllers in one namespace": (
        [
            takes_lease(A),
            takes_lease(SECOND, namespace="locks"),
            _both(20, A, SECOND, is_one_working=True),
            _both(15, A, SECOND, is_one_working=False),
        ],
        [(29, "opened", "silent")],
    ),
    "another controller takes the Lease over": (
        [
            takes_lease(A),
            works(20, origin=A),
            works(1, origin=SECOND),
            takes_lease(SECOND),
            works(30, origin=SECOND),
        ],
        [],
    ),
    "a silent one stands by from now on": (
        [
            takes_lease(A),
            works(20, origin=A),
            is_silent(11),
            works(1, origin=SECOND),
            takes_lease(SECOND),
            works(5, origin=SECOND),
        ],
        [(29, "opened", "silent"), (33, "resolved", "stands_by")],
    ),
}


@pytest.mark.parametrize(("acts", "told"), TOLD.values(), ids=TOLD)
def test_told(acts: list[Act], told: list[tuple[int, str, str]]) -> None:
    """At the minute at which it counts."""
    assert told == Story().play(*acts).told


def _silence_of(*acts: Act) -> Incident:
    story = Story().play(*acts)
    (incident,) = [one for one in story.engine.told() if one.kind == "source_silent"]
    return incident


def test_silence_names_the_leader() -> None:
    """As victim, as leader of the controller, and that others only stand by."""
    incident = _silence_of(takes_lease(A), works(20, origin=A), _other(20, B))
    assert (A.pod, A.pod) == (incident.victims[0].name, incident.controller.leader)
    assert f"By its Lease {A.pod} leads since" in incident.summary
    assert "they stand by" in incident.summary


def test_leader_that_was_never_heard_is_the_silent_one() -> None:
    """Its log may be the one that is not read."""
    incident = _silence_of(takes_lease(A), works(20, origin=A), takes_lease(B), is_silent(20))
    assert B.pod == incident.victims[0].name


def test_silence_says_that_leases_may_not_be_read() -> None:
    """With the rule."""
    incident = _silence_of(works(20, origin=A), _is_lost, is_silent(20))
    assert "Who leads is not known: leases.coordination.k8s.io may not be read" in incident.summary


def test_incident_says_who_leads() -> None:
    """Of the controller whose lines it is made of."""
    engine = Engine(EngineSettings(), rules())
    engine.feed(ObjectSeen(at(0), WATCH, 0, held_by(A)))
    for seconds in range(0, 300, 10):
        engine.feed(fail(seconds, origin=A))
    engine.advance(at(300))
    assert [A.pod] == [incident.controller.leader for incident in engine.incidents()]


def test_restart_knows_who_leads() -> None:
    """And whose lines were set aside."""
    story = Story().play(takes_lease(A), works(20, origin=A), _other(5, B))
    again = Engine(EngineSettings(), rules())
    again.recall(story.engine.take_changes())
    assert story.engine.leaders() == again.leaders()
    story.engine = again
    assert [(29, "opened", "silent")] == story.play(_other(10, B)).told


def test_controller_that_was_stored_without_its_workload_is_known_again() -> None:
    """By an earlier version: the lines of its pods are its signs of life."""
    listener = Listener("", ClusterState(EngineSettings(), WatchedLogs()), EngineSettings())
    listener.recall(Hearing(ControllerName("kafka", "argo-rollouts", True), A, at(0), at(60)))
    assert [ControllerName.of("kafka", A)] == [hearing.name for hearing in listener.hearings()]
