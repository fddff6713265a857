"""What is missing is what was not read, with the command that gets it."""

from __future__ import annotations

import pytest

from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef, ServiceRef
from parsers.facts.seen import AnyFacts, ObjectSeen
from parsers.records import Origin
from pipeline.engine.engine import Engine
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLog
from tests.pipeline.engine.builders import at, attempts, back_off, by_time, count, healthy, rules

API_SERVER_LOG = Origin(source="logs/kube-apiserver.log")
GUARD_LOG = Origin(source="guard.log")
NAMELESS = "context deadline exceeded"
ALLOTTED = (
    "the server was unable to return a response in the time allotted, but may still be processing the request "
    "(get gates.acme.dev web)"
)
CONVERTED = CrdFacts(
    ref=ObjectRef("CustomResourceDefinition", "", "gates.acme.dev"),
    group="acme.dev",
    kind="Gate",
    plural="gates",
    conversion=ServiceRef("tools", "guard"),
)
WEBHOOKS = WebhookConfigurationFacts(ref=ObjectRef("MutatingWebhookConfiguration", "", "x"))
EVENT = KubernetesEventFacts(
    ref=ObjectRef("Event", "shop", "web.1"), involved=ObjectRef("Rollout", "shop", "web"), reason="Synced"
)


def _commands(text: str, *objects: AnyFacts, read: tuple[Origin, ...] = ()) -> list[str]:
    """First words of the commands that get what is missing, for WEB that fails with a text."""
    engine = Engine(EngineSettings(), rules())
    for origin in read:
        engine.watch(WatchedLog(origin))
    snapshot = [ObjectSeen(at(400), Origin(source="objects.json"), 1, facts) for facts in objects]
    for event in by_time([*healthy(-20, -10), *back_off(0, 300, text), *snapshot]):
        engine.feed(event)
    engine.finish()
    (incident,) = engine.incidents()
    assert not incident.cause.established
    return [one.command or "" for one in incident.cause.missing]


LACKING: dict[str, tuple[str, tuple[AnyFacts, ...], tuple[Origin, ...], list[str]]] = {
    "a time-out that names nobody": (
        NAMELESS,
        (),
        (),
        [
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            "kubectl -n shop describe",
            "kubectl -n kube-system logs",
        ],
    ),
    "the same with the webhooks and the events": (NAMELESS, (WEBHOOKS, EVENT), (), ["kubectl -n kube-system logs"]),
    "the same with the API server's log": (NAMELESS, (WEBHOOKS, EVENT), (API_SERVER_LOG,), []),
    "a kind whose CRD was not given": (
        ALLOTTED,
        (EVENT,),
        (API_SERVER_LOG,),
        ["kubectl get crd gates.acme.dev"],
    ),
    "a kind that a Service converts": (
        ALLOTTED,
        (EVENT, CONVERTED),
        (API_SERVER_LOG,),
        [
            "kubectl -n tools logs service/guard",
            "kubectl -n tools get endpointslices",
            "kubectl -n tools get secrets",
        ],
    ),
    "the same with the log of that Service": (
        ALLOTTED,
        (EVENT, CONVERTED),
        (API_SERVER_LOG, GUARD_LOG),
        ["kubectl -n tools get endpointslices", "kubectl -n tools get secrets"],
    ),
    "words that no rule knows": ("the frobnicator is sad", (EVENT,), (API_SERVER_LOG,), []),
}


@pytest.mark.parametrize(("text", "objects", "read", "begins"), LACKING.values(), ids=LACKING)
def test_only_what_was_not_read_is_missing(
    text: str, objects: tuple[AnyFacts, ...], read: tuple[Origin, ...], begins: list[str]
) -> None:
    """In the order in which it helps."""
    commands = _commands(text, *objects, read=read)
    assert begins == [begin for begin, command in zip(begins, commands, strict=False) if command.startswith(begin)], (
        commands
    )
    assert len(begins) == len(commands)


def test_log_that_begins_in_the_middle_lacks_its_beginning() -> None:
    """The command asks for it from the onset on."""
    engine = Engine(EngineSettings(), rules())
    for event in by_time(attempts(range(0, 300, 10), NAMELESS, first=100)):
        engine.feed(event)
    engine.finish()
    (incident,) = engine.incidents()
    since = incident.victims[0].stuck_since_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert at(0) > incident.victims[0].stuck_since_at
    assert (
        f"kubectl -n argo-rollouts logs deployment/argo-rollouts --timestamps --since-time={since}"
        == incident.cause.missing[0].command
    )


def test_log_of_retry_lines_lacks_its_errors() -> None:
    """Whoever filtered it took the cause away."""
    engine = Engine(EngineSettings(), rules())
    for event in [count(seconds, seconds // 10 + 30) for seconds in range(0, 300, 10)]:
        engine.feed(event)
    engine.finish()
    (incident,) = engine.incidents()
    assert "only retry lines" in incident.cause.missing[0].what
