"""Numbers of replicas come from objects with a status: a manifest says only what is wanted."""

from __future__ import annotations

from tests.pipeline.engine.builders import WEB, back_off, only
from tests.pipeline.engine.object_builders import replica_set, rollout


def _numbers(*seen: object) -> dict[str, int] | None:
    (victim,) = only(back_off(0, 200, key=WEB), *seen).victims  # type: ignore[arg-type]
    return victim.drift


def test_a_manifest_has_no_drift() -> None:
    """No controller has looked at it."""
    assert _numbers(rollout(100, observed_generation=None, desired=5)) is None


def test_a_rollout_without_its_replica_sets_says_nothing_of_them() -> None:
    """What was not read is not zero."""
    assert {"desired": 5, "available": 2, "most_allowed": 7} == _numbers(rollout(100, desired=5, available=2))


def test_replica_sets_want_and_have() -> None:
    """Two numbers."""
    found = _numbers(rollout(100, desired=5, available=2), replica_set(100)) or {}
    assert (3, 0) == (found["replica_sets"], found["pods"])
