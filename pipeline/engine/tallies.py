"""Failures counted by their kind: how often, when first and last, in which words."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.events import Failure
from parsers.records import Origin
from pipeline.engine.masks import template_of


class Sighting(msgspec.Struct, frozen=True, order=True):
    """Where and when something was read."""

    at: datetime
    origin: Origin
    line: int


class Tally(msgspec.Struct):
    """One kind of failure within a streak: how often, when first and last, and its newest text."""

    failure: Failure
    first: Sighting
    last: Sighting
    count: int = 1
    last_text: str = ""

    @classmethod
    def of(cls, failure: Failure, seen: Sighting) -> Tally:
        """The first one of its kind."""
        return cls(failure=failure, first=seen, last=seen, last_text=failure.text)

    def add(self, failure: Failure, seen: Sighting) -> None:
        """One more of its kind."""
        self.count += 1
        self.last = max(self.last, seen)
        self.last_text = failure.text

    def join(self, later: Tally) -> None:
        """Those of a later streak."""
        self.count += later.count
        if later.last > self.last:
            self.last, self.last_text = later.last, later.last_text


def signature_of(failure: Failure) -> str:
    """Equal for failures that say the same of the same things."""
    named = failure.named_object
    parts = (
        failure.failure_class,
        failure.service or "",
        failure.webhook or "",
        failure.kind or "",
        failure.user or "",
        failure.quota or "",
        failure.policy or "",
        failure.location or "",
        failure.plugin or "",
        f"{named.resource}/{named.namespace}/{named.name}" if named else "",
        template_of(failure.text) if failure.failure_class == "unknown" else "",
    )
    return "|".join(parts)
