"""Stories of Rollouts whose numbers fit or not, told by watches. Times are seconds after `BEGIN`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parsers.events import Event
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts, ObjectSeen
from parsers.facts.workloads import ReplicaSetFacts
from parsers.records import Origin
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from tests.pipeline.engine.builders import at, rules

ROLLOUT = ObjectRef("Rollout", "shop", "web")
STABLE, CANARY = "6d9f8c7", "54b8d7"
HEALTHY = RolloutFacts(
    ref=ROLLOUT,
    generation=3,
    observed_generation=3,
    desired=10,
    current=10,
    available=10,
    phase="Healthy",
    strategy="canary",
    stable_hash=STABLE,
    current_hash=STABLE,
)


def rollout_facts(**fields: object) -> RolloutFacts:
    """A healthy Rollout of ten pods, but for some fields."""
    known = {name: getattr(HEALTHY, name) for name in HEALTHY.__struct_fields__}
    return RolloutFacts(**{**known, **fields})  # type: ignore[arg-type]


def set_facts(wanted: int = 10, template_hash: str = STABLE, **fields: object) -> ReplicaSetFacts:
    """A ReplicaSet that has the pods it wants."""
    shown: dict[str, object] = {"current": wanted, "available": wanted, **fields}
    return ReplicaSetFacts(
        ref=ObjectRef("ReplicaSet", "shop", f"web-{template_hash}"),
        owner=ROLLOUT,
        template_hash=template_hash,
        desired=wanted,
        **shown,  # type: ignore[arg-type]
    )


def hpa_facts(desired: int, **fields: object) -> HpaFacts:
    """The HPA of the Rollout."""
    ref = ObjectRef("HorizontalPodAutoscaler", "shop", "web")
    return HpaFacts(ref=ref, target=ROLLOUT, desired=desired, **fields)  # type: ignore[arg-type]


def condition(kind: str, status: str, since: float | None = None, reason: str = "") -> ConditionFacts:
    """A condition."""
    return ConditionFacts(kind, status, reason, changed_at=at(since) if since is not None else None)


def watched(seconds: float, facts: AnyFacts, *, is_deleted: bool = False) -> ObjectSeen:
    """What a watch saw."""
    origin = Origin(source=f"objects/{facts.ref.kind.lower()}s")
    return ObjectSeen(at(seconds), origin, 0, facts, is_deleted=is_deleted)


class Story:
    """An engine that is fed by watches, and whose time goes on by itself."""

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self.settings = settings or EngineSettings()
        self.engine = Engine(self.settings, rules(), evaluate_every=None)
        self.told: list[Incident] = []
        self.now = 0.0

    def see(self, *events: Event | Sequence[Event]) -> Story:
        """Events come; nothing is looked at yet."""
        for event in events:
            for one in [event] if isinstance(event, Event) else event:
                self.told += self.engine.feed(one)
        return self

    def wait(self, seconds: float, *, step: float = 10.0) -> Story:
        """Time goes on, and the daemon looks now and then."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + step)
            self.told += self.engine.advance(at(self.now))
        return self

    def restart(self) -> Story:
        """The daemon goes on with what it has stored."""
        parts = self.engine.take_changes()
        self.stored = {**getattr(self, "stored", {}), **{(one.cluster, one.name): one for one in parts}}
        self.engine = Engine(self.settings, rules(), evaluate_every=None)
        self.engine.recall(self.stored.values())
        return self

    def changes(self) -> list[tuple[float, str, str]]:
        """When each change of a drift counts from, and what it is."""
        return [
            (
                round(((one.resolved_at or one.opened_at) - at(0)).total_seconds()),
                one.transition.name,
                one.transition.reason,
            )
            for one in self.told
            if one.kind == "drift"
        ]

    def drifts(self) -> list[Incident]:
        """In their newest revision."""
        return [one for one in self.engine.told() if one.kind == "drift"]


def begin(*facts: AnyFacts, seconds: float = 0) -> list[ObjectSeen]:
    """What the watches list at first."""
    return [watched(seconds, one) for one in facts]


def shuffled_apart(streams: Iterable[Sequence[ObjectSeen]], order: Sequence[int]) -> list[ObjectSeen]:
    """An interleaving of streams, each in its own order: `order` says whose turn it is."""
    waiting = [list(stream) for stream in streams]
    found: list[ObjectSeen] = []
    for turn in order:
        alive = [stream for stream in waiting if stream]
        if not alive:
            break
        found.append(alive[turn % len(alive)].pop(0))
    for stream in waiting:
        found += stream
    return found
