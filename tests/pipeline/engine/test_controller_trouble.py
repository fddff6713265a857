"""Failures of the controller itself: which are incidents, whose they are, and when they are over."""

from __future__ import annotations

import pytest

from parsers.events import Event
from parsers.records import Origin
from tests.pipeline.engine.builders import (
    LOG,
    OTHER_LOG,
    at,
    back_off,
    complete,
    healthy,
    incidents_of,
    lead,
    lose,
    only,
    see,
    start,
    stop,
)

FORBIDDEN = "forbidden"


def _reflector(*times: float, text: str = "refused", origin: Origin = LOG) -> list[Event]:
    return [see(seconds, text, carrier="reflector", origin=origin) for seconds in times]


def _fatal(*times: float, text: str = "refused") -> list[Event]:
    return [see(seconds, text, carrier="fatal") for seconds in times]


def _lease(*times: float) -> list[Event]:
    return [see(seconds, "lease", carrier="lease") for seconds in times]


STORIES: dict[str, tuple[list[Event], list[tuple[str, str]]]] = {
    "informers for two minutes": ([start(0), *_reflector(*range(1, 120, 10))], [("apiserver.unreachable", "open")]),
    "informers for half a minute": ([start(0), *_reflector(1, 10, 30), complete(300), complete(303)], []),
    "two lines a minute apart": ([start(0), *_reflector(1, 70), complete(300), complete(303)], []),
    "once a week, for weeks": ([start(0), *_reflector(*(week * 604_800 + 1 for week in range(6)))], []),
    "a right that is missing": (
        [start(0), *_reflector(*range(1, 120, 10), text=FORBIDDEN)],
        [("rbac.forbidden", "open")],
    ),
    "informers of another component": (_reflector(*range(1, 120, 10), origin=OTHER_LOG), []),
    "informers fall silent": (
        [start(0), *_reflector(*range(1, 120, 10)), complete(900), complete(903)],
        [("apiserver.unreachable", "resolved")],
    ),
    "start fails": ([start(0), *_fatal(1)], [("apiserver.unreachable", "open")]),
    "start fails, the next one leads": (
        [start(0), *_fatal(1), start(60), lead(70)],
        [("apiserver.unreachable", "resolved")],
    ),
    "start fails, the next one works": (
        [start(0), *_fatal(1), start(60), *healthy(80, 85)],
        [("apiserver.unreachable", "resolved")],
    ),
    "start fails, the next one only starts": (
        [start(0), *_fatal(1), start(60)],
        [("apiserver.unreachable", "open")],
    ),
    "starts that fail days apart": (
        [start(0), *_fatal(1), lead(70), start(200_000), *_fatal(200_001)],
        [("apiserver.unreachable", "resolved"), ("apiserver.unreachable", "open")],
    ),
    "a lease is lost to time-outs": (
        [start(0), *_lease(10, 12, 14, 16, 18), lose(20), stop(21)],
        [("leader_election", "open")],
    ),
    "a lease call fails once": ([start(0), *_lease(10), complete(60), complete(63)], []),
    "a lease is given up in peace": ([start(0), *_lease(10), complete(60), lose(200), stop(201)], []),
}


@pytest.mark.parametrize(("events", "found"), STORIES.values(), ids=STORIES)
def test_controller_is_in_trouble(events: list[Event], found: list[tuple[str, str]]) -> None:
    """Where its failure repeats for a minute or ends the process; over at its next sign of life."""
    assert found == [(incident.cause.failure_class, incident.status) for incident in incidents_of(events)]


def test_controller_is_the_victim_and_always_critical() -> None:
    """No rollout is synced while it is in trouble."""
    incident = only(start(0), _reflector(*range(1, 120, 10)))
    assert ("controller", "critical", "controller") == (incident.kind, incident.severity, incident.victims[0].kind)
    assert at(61) == incident.opened_at


def test_fatal_line_without_a_cause_belongs_to_the_failures_before_it() -> None:
    """`failed to wait for caches to sync` follows from the lists that fail."""
    fatal = see(121, "failed to wait for caches to sync, exiting", carrier="fatal")
    incident = only(start(0), _reflector(*range(1, 120, 10), text=FORBIDDEN), fatal)
    assert "rbac.forbidden" == incident.cause.failure_class


def test_many_informers_that_miss_the_api_server_are_one_incident() -> None:
    """Each names another resource; the accused is the same."""
    texts = [
        f'Get "https://10.96.0.1:443/apis/apps/v1/{resource}": dial tcp 10.96.0.1:443: connect: connection refused'
        for resource in ("replicasets", "deployments", "daemonsets")
    ]
    lines = [line for text in texts for line in _reflector(*range(1, 120, 30), text=text)]
    assert 1 == len(incidents_of(start(0), lines))


def test_errors_without_a_key_count_where_the_release_names_no_keys() -> None:
    """Releases before v0.10 print failed attempts in no other way."""
    errors = [see(seconds) for seconds in range(1, 200, 10)]
    assert ["controller"] == [incident.kind for incident in incidents_of(start(0), errors)]
    assert ["stuck"] == [one.kind for one in incidents_of(start(0), errors, back_off(0, 200, "invalid"))]
