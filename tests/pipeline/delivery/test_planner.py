"""Who is told what, when; and that it is decided once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from pipeline.delivery.formats.settings import FormatName
from pipeline.delivery.matching import parse_matchers
from pipeline.delivery.muting import ActiveSilence
from pipeline.delivery.planner import Planner
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.settings import DeliverySettings, RouteSettings
from pipeline.engine.incidents import Incident, Transition
from pipeline.secret import SecretAddress
from pipeline.store.records import Area, Commit, PlannedDelivery, StatePart
from tests.pipeline.store.samples import NOW, incident


def receiver(**fields: object) -> ReceiverSettings:
    return ReceiverSettings(url=SecretAddress("https://receiver.example/hook"), **fields)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def changed(one: Incident, revision: int, name: str, reason: str = "new_victim", **fields: object) -> Incident:
    return msgspec.structs.replace(one, revision=revision, transition=Transition(name, reason), **fields)


def resolved(one: Incident, revision: int) -> Incident:
    return changed(one, revision, "resolved", "recovered", status="resolved", resolved_at=NOW)


class Store:
    """Keeps what a commit holds, as the store would."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], StatePart] = {}
        self.incidents: dict[str, Incident] = {}
        self.sent: list[PlannedDelivery] = []

    def commit(self, commit: Commit) -> list[PlannedDelivery]:
        for part in commit.parts:
            assert part.area is Area.DELIVERY
            self.parts[part.owner, part.name] = part
        for one in (*commit.incidents, *commit.refreshed):
            self.incidents[one.id] = one
        self.sent += commit.deliveries
        return list(commit.deliveries)

    def read(self, ids: Sequence[str]) -> Iterable[Incident]:
        return [self.incidents[one] for one in ids if one in self.incidents]


class World:
    """A planner with its store; every step can be done by a new process."""

    def __init__(self, settings: DeliverySettings, *, restarts: bool = False) -> None:
        self.settings = settings
        self.restarts = restarts
        self.store = Store()
        self.silences: tuple[ActiveSilence, ...] = ()
        self.planner = Planner(settings)

    def step(
        self, at: datetime, *changes: Incident, muted: bool = False, acknowledged: int = 0
    ) -> list[PlannedDelivery]:
        if self.restarts:
            self.planner = Planner(self.settings)
            self.planner.recall([p for p in self.store.parts.values() if p.value is not None], self.store.read)
        self.planner.silences = self.silences
        if acknowledged:
            self.planner.acknowledge(acknowledged, incident().id, at)
        told = {**self.store.incidents, **{one.id: one for one in changes}}.values()
        unnotified = frozenset(one.id for one in changes) if muted else frozenset()
        commit = Commit(at=at, incidents=changes, unnotified=unnotified)
        return self.store.commit(self.planner.plan(commit, told, at))


def settings(**fields: object) -> DeliverySettings:
    return DeliverySettings(receivers=(receiver(name="oncall"),), **fields)


@pytest.fixture(params=[False, True], ids=["one process", "a new process each time"])
def world(request: pytest.FixtureRequest) -> World:
    return World(settings(), restarts=request.param)


def occasions(planned: Iterable[PlannedDelivery]) -> list[str]:
    return [one.occasion for one in planned]


def test_opened_is_told_in_the_commit_that_opens_it(world: World) -> None:
    (planned,) = world.step(NOW, incident())
    assert ("oncall", "opened", ((incident().id, 1),)) == (planned.receiver, planned.occasion, planned.incidents)


def test_nothing_is_told_twice(world: World) -> None:
    world.step(NOW, incident())
    assert [] == world.step(later(1)) + world.step(later(400))


def test_new_victims_wait_for_the_interval(world: World) -> None:
    world.step(NOW, incident())
    assert [] == world.step(later(10), changed(incident(), 2, "updated"))
    assert [] == world.step(later(20), changed(incident(), 3, "updated"))
    (planned,) = world.step(later(300))
    assert ("updated", ((incident().id, 3),)) == (planned.occasion, planned.incidents)


@pytest.mark.parametrize("reason", ["severity_raised", "cause_established"])
def test_what_got_worse_or_clear_is_told_at_once(world: World, reason: str) -> None:
    world.step(NOW, incident())
    assert ["updated"] == occasions(world.step(later(10), changed(incident(), 2, "updated", reason)))


def test_end_is_told_at_once(world: World) -> None:
    world.step(NOW, incident())
    assert ["resolved"] == occasions(world.step(later(10), resolved(incident(), 2)))
    assert {(p.owner, p.name) for p in world.store.parts.values() if p.value is not None} == set()


def test_reopened_is_told_as_opened_under_another_id(world: World) -> None:
    world.step(NOW, incident())
    world.step(later(10), resolved(incident(), 2))
    assert ["opened"] == occasions(world.step(later(20), changed(incident(), 3, "reopened", "failed_again")))
    assert 3 == len({planned.id for planned in world.store.sent})


def test_too_old_is_not_told_and_neither_is_its_end(world: World) -> None:
    assert [] == world.step(NOW, incident(), muted=True)
    assert [] == world.step(later(10), resolved(incident(), 2), muted=True)


def test_old_end_of_what_was_told_is_told(world: World) -> None:
    world.step(NOW, incident())
    assert ["resolved"] == occasions(world.step(later(10), resolved(incident(), 2), muted=True))


def test_open_incidents_are_reminded_of_until_acknowledged(world: World) -> None:
    world.step(NOW, incident())
    assert ["reminder"] == occasions(world.step(later(14_400)))
    assert [] == world.step(later(14_500), acknowledged=7)
    assert [] == world.step(later(60_000))


def test_acknowledgements_are_looked_at_once(world: World) -> None:
    world.step(NOW, incident())
    world.step(later(1), acknowledged=7)
    again = Planner(world.settings)
    again.recall([p for p in world.store.parts.values() if p.value is not None], world.store.read)
    assert 7 == again.acknowledged_up_to


def test_acknowledgement_is_told_where_it_is_asked_for() -> None:
    world = World(
        DeliverySettings(receivers=(receiver(name="pager", format=FormatName.PAGERDUTY, routing_key_file="key"),))
    )
    world.step(NOW, incident())
    assert ["acknowledged"] == occasions(world.step(later(5), acknowledged=1))


def test_silenced_is_not_told_and_told_when_the_silence_is_over(world: World) -> None:
    world.silences = (ActiveSilence(parse_matchers(["cluster=eu-1"]), NOW, later(3600)),)
    assert [] == world.step(NOW, incident()) + world.step(later(3599))
    assert ["opened"] == occasions(world.step(later(3640)))


def test_end_of_what_was_told_before_the_silence_is_told(world: World) -> None:
    world.step(NOW, incident())
    world.silences = (ActiveSilence(parse_matchers(["cluster=eu-1"]), NOW, later(3600)),)
    assert ["resolved"] == occasions(world.step(later(10), resolved(incident(), 2)))


def test_silence_of_one_namespace_does_not_hide_another(world: World) -> None:
    (victim,) = incident().victims
    both = msgspec.structs.replace(incident(), victims=(victim, msgspec.structs.replace(victim, namespace="staging")))
    world.silences = (ActiveSilence(parse_matchers(["namespace=staging"]), NOW, later(3600)),)
    assert ["opened"] == occasions(world.step(NOW, both))


def test_opted_out_is_told_to_nobody(world: World) -> None:
    assert [] == world.step(NOW, msgspec.structs.replace(incident(), labels={"notify": "false"}))


def test_victims_of_an_established_cause_are_not_told_of_as_drifting(world: World) -> None:
    drift = msgspec.structs.replace(incident("ff"), kind="drift")
    assert [incident().id] == [planned.group for planned in world.step(NOW, incident(), drift)]


def test_grouped_incidents_are_one_message_and_their_end_is_one() -> None:
    route = RouteSettings(receivers=("oncall",), group_by=("cluster",))
    world = World(settings(routes=(route,)))
    many = [incident(f"{number:020x}") for number in range(200)]
    assert [] == world.step(NOW, *many[:100]) + world.step(later(5), *many[100:])
    (planned,) = world.step(later(10))
    assert (200, "opened") == (len(planned.incidents), planned.occasion)
    ends = [resolved(one, 2) for one in many]
    assert [] == world.step(later(60), *ends[:7]) + world.step(later(70), *ends[7:])
    assert ["resolved"] == occasions(world.step(later(310)))


def test_storm_becomes_a_digest(world: World) -> None:
    world = World(settings(storm_incidents=3))
    many = [incident(f"{number:020x}") for number in range(50)]
    first = [planned for one in many[:3] for planned in world.step(NOW, one)]
    assert [1, 1, 1] == [len(planned.incidents) for planned in first]
    assert [] == world.step(later(1), *many[3:])
    assert [47] == [len(planned.incidents) for planned in world.step(later(11))]


def test_routes_are_tried_in_order() -> None:
    receivers = (receiver(name="pager"), receiver(name="chat"))
    routes = (
        RouteSettings(matchers=("severity=critical",), receivers=("pager",), goes_on=True),
        RouteSettings(matchers=("severity=critical",), receivers=("chat",)),
        RouteSettings(receivers=("pager",)),
    )
    world = World(DeliverySettings(receivers=receivers, routes=routes))
    assert ["pager", "chat"] == [planned.receiver for planned in world.step(NOW, incident())]


def test_receiver_that_wants_no_ends_gets_none() -> None:
    world = World(DeliverySettings(receivers=(receiver(name="chat", send_resolved=False),)))
    world.step(NOW, incident())
    assert [] == world.step(later(5), resolved(incident(), 2))
    assert not [part for part in world.store.parts.values() if part.value is not None]


def test_what_of_a_group_was_muted_is_told_when_the_silence_is_over() -> None:
    world = World(settings(routes=(RouteSettings(receivers=("oncall",), group_by=("kind",)),)))
    other = msgspec.structs.replace(incident("ff"), cluster="eu-2")
    world.silences = (ActiveSilence(parse_matchers(["cluster=eu-2"]), NOW, later(600)),)
    world.step(NOW, incident(), other)
    assert [1] == [len(planned.incidents) for planned in world.step(later(10))]
    assert [] == world.step(later(590))
    assert [("ff", 1)] == [one for one in world.step(later(630))[0].incidents if one[0] == "ff"]


def test_incident_that_joins_an_acknowledged_group_is_reminded_of() -> None:
    world = World(settings(routes=(RouteSettings(receivers=("oncall",), group_by=("kind",)),)))
    world.step(NOW, incident())
    world.step(later(10))
    world.step(later(20), acknowledged=1)
    world.step(later(30), incident("ff"))
    assert ["updated"] == occasions(world.step(later(310)))
    assert ["reminder"] == occasions(world.step(later(310 + 14_400)))


def test_acknowledged_incident_writes_nothing_when_its_reminder_would_be_due(world: World) -> None:
    world.step(NOW, incident())
    world.step(later(5), acknowledged=1)
    assert not world.planner.is_due(later(50_000))


def test_alerts_that_end_by_themselves_are_told_again_before_also_when_acknowledged() -> None:
    world = World(DeliverySettings(receivers=(receiver(name="am", format=FormatName.ALERTMANAGER_API),)))
    world.step(NOW, incident())
    assert ["reminder"] == occasions(world.step(later(100)))
    assert [] == world.step(later(110), acknowledged=1)
    assert ["reminder"] == occasions(world.step(later(200)))
    assert ["resolved"] == occasions(world.step(later(210), resolved(incident(), 2)))
    assert [] == world.step(later(400))
