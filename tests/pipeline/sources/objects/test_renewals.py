"""Renewals of Leases: that there are some is told, on the clock of whystuck, and not each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from pipeline.sources.objects.renewals import Renewals

NOW = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)
BEHIND = timedelta(hours=1)
"""The clock of who holds it."""


def _lease(seconds: float, holder: str = "a") -> LeaseFacts:
    return LeaseFacts(ref=ObjectRef("Lease", "kube-system", "x"), holder=holder, renewed_at=_at(seconds) - BEHIND)


def _at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_renewals_of_half_a_minute_look_the_same() -> None:
    """By the time at which they were seen, whatever the clock of the holder says."""
    renewals = Renewals()
    shown = [renewals.thinned(_lease(seconds), _at(seconds) if seconds else None) for seconds in (0, 2, 4, 22, 24, 60)]
    half_minutes = [None, *[_at(-7)] * 2, *[_at(-7)], _at(23), _at(53)]
    assert half_minutes == [one.alive_at for one in shown]
    assert {None} == {one.renewed_at for one in shown}


def test_change_of_something_else_is_no_renewal() -> None:
    """As a label that a person puts on it; nor is a list, which may show what is long over."""
    renewals = Renewals()
    assert renewals.thinned(_lease(0), None).alive_at is None
    assert renewals.thinned(_lease(0, "b"), _at(40)).alive_at is None
    assert renewals.thinned(_lease(50), None).alive_at is None


def test_list_keeps_what_was_seen() -> None:
    """A watch that begins anew lists everything."""
    renewals = Renewals()
    renewals.thinned(_lease(0), None)
    seen = renewals.thinned(_lease(2), _at(2)).alive_at
    assert seen is not None
    assert seen == renewals.thinned(_lease(400), None).alive_at
