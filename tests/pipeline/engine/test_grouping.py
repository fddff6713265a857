"""One incident for each cause, with all its victims; two causes are two incidents."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parsers.events import Event, ObjectKey
from tests.pipeline.engine.builders import (
    API,
    JOB,
    LOG,
    OTHER_LOG,
    WEB,
    attempts,
    back_off,
    complete,
    count,
    failure,
    healthy,
    incidents_of,
    only,
    see,
)

TWELVE = [ObjectKey("rollout", f"team-{number % 3}", f"app-{number}") for number in range(12)]
Story = Sequence[Event | list[Event]]


def _victims(*parts: Event | list[Event]) -> list[list[str]]:
    """Names of the victims of every incident."""
    return [[victim.name or "" for victim in incident.victims] for incident in incidents_of(*parts)]


def test_twelve_victims_of_one_webhook_are_one_incident() -> None:
    """Critical, as they stand in three namespaces."""
    incident = only(*(back_off(number, 200, key=key) for number, key in enumerate(TWELVE)))
    assert (12, "critical") == (len(incident.victims), incident.severity)


GROUPED: dict[str, tuple[Story, list[list[str]]]] = {
    "two causes": ([back_off(0, 200), back_off(1, 200, "admission", key=API)], [["web"], ["api"]]),
    "one hanging webhook in two words": (
        [back_off(0, 200, "hanging"), back_off(1, 200, "expired", key=API)],
        [["api", "web"]],
    ),
    "certificate and refused connection of one webhook": (
        [back_off(0, 200, "admission"), back_off(1, 200, "admission refused", key=API)],
        [["api", "web"]],
    ),
    "two keys that nobody can explain, in the same words": (
        [back_off(0, 200, "deadline"), back_off(1, 200, "deadline", key=API)],
        [["api", "web"]],
    ),
    "two keys that nobody can explain, in other words": (
        [back_off(0, 200, "the frobnicator is sad"), back_off(1, 200, "the gizmo is out", key=API)],
        [["web"], ["api"]],
    ),
    "retry lines only": (
        [[count(10 * n, n + 30) for n in range(9)], [count(10 * n, n + 30, key=API) for n in range(9)]],
        [["api", "web"]],
    ),
    "each its own conflict": (
        [back_off(0, 200, "conflict"), back_off(1, 200, "conflict", key=API)],
        [["web"], ["api"]],
    ),
    "again within the grace": (
        [back_off(0, 100), healthy(110, 115), back_off(500, 600)],
        [["web"]],
    ),
    "again beyond the grace": (
        [back_off(0, 100), healthy(110, 115), back_off(800, 900)],
        [["web"], ["web"]],
    ),
    "another key beyond the grace": (
        [back_off(0, 100), healthy(110, 115), back_off(800, 900, key=API)],
        [["web"], ["api"]],
    ),
    "another key while the first still fails": (
        [back_off(0, 900), back_off(800, 900, key=API)],
        [["api", "web"]],
    ),
    "a chain of keys, each within the grace of the one before": (
        [
            back_off(0, 100),
            healthy(110, 115),
            back_off(500, 600, key=API),
            healthy(605, 610, key=API),
            back_off(1000, 1100, key=JOB),
        ],
        [["job", "api", "web"]],
    ),
    "experiment and rollout": (
        [back_off(0, 200), back_off(1, 200, key=ObjectKey("experiment", "shop", "try"))],
        [["try", "web"]],
    ),
}


@pytest.mark.parametrize(("story", "victims"), GROUPED.values(), ids=GROUPED)
def test_victims_are_grouped_by_cause_and_time(story: Story, victims: list[list[str]]) -> None:
    """Incidents by the time of their opening, victims by kind, namespace and name."""
    assert victims == _victims(healthy(-20, -10), *story)


def test_two_clusters_are_two_incidents() -> None:
    """One webhook's name in two clusters is two webhooks."""
    origins = [type(LOG)(source="log", cluster=cluster) for cluster in ("eu", "us")]
    found = incidents_of(*(back_off(0, 200, origin=origin) for origin in origins))
    assert ["eu", "us"] == sorted(incident.cluster or "" for incident in found)
    assert 2 == len({incident.id for incident in found})


def test_victim_counts_over_its_restarts_and_spells() -> None:
    """The highest count of all, the last of the newest."""
    victim = only(attempts(range(0, 300, 10), first=300), healthy(305, 310), back_off(400, 500)).victims[0]
    assert (329, 23) == (victim.retries, victim.last_retries)


def test_controllers_own_failures_join_the_keys_of_the_same_time() -> None:
    """The API server is away: keys and informers say so, it is one incident."""
    informers = [see(seconds, carrier="reflector") for seconds in range(0, 200, 20)]
    incident = only(back_off(0, 200, "refused"), informers)
    assert ("stuck", ["web"]) == (incident.kind, [victim.name for victim in incident.victims])
    assert failure("refused").text in {evidence.text for evidence in incident.evidence}


def test_controllers_own_failures_of_another_time_are_their_own_incident() -> None:
    """Keys that were stuck before, and are healthy, are no victims of it; nothing is lost."""
    informers = [see(seconds, carrier="reflector") for seconds in range(3_000, 3_200, 20)]
    found = incidents_of(back_off(0, 100, "refused"), healthy(105, 110), informers, complete(3_200, key=JOB))
    assert ["stuck", "controller"] == [incident.kind for incident in found]


def test_evidence_names_the_line_that_shows_it() -> None:
    """By file and number, first and last of each kind."""
    incident = only(back_off(0, 200), back_off(1, 200, key=API, origin=OTHER_LOG))
    assert {LOG.source, OTHER_LOG.source} == {evidence.provenance.source for evidence in incident.evidence}
    assert incident.evidence_omitted_count > 0
    assert WEB.name in incident.title or "2 rollouts" in incident.title
