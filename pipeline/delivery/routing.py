"""Which receivers an incident goes to, and what it is told together with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from pipeline.delivery.labels import labels_of
from pipeline.delivery.matching import Labels, Matcher, matches_some, parse_matchers
from pipeline.delivery.settings import DeliverySettings
from pipeline.engine.incidents import Incident


class Destination(msgspec.Struct, frozen=True):
    """One receiver, and the group that the incident belongs to there."""

    receiver: str
    group: str  # the incident's id where it is told by itself
    is_alone: bool


class _Route(msgspec.Struct, frozen=True):
    matchers: tuple[Matcher, ...]
    receivers: tuple[str, ...]
    group_by: tuple[str, ...]
    goes_on: bool


class Router:
    """The routes in force."""

    def __init__(self, settings: DeliverySettings) -> None:
        self._routes = [
            _Route(parse_matchers(route.matchers), route.receivers, route.group_by, route.goes_on)
            for route in settings.routes
        ] or [_Route((), tuple(receiver.name for receiver in settings.receivers), (), goes_on=False)]

    def destinations(self, incident: Incident) -> Iterator[Destination]:
        """Where it goes; each receiver once, by the first route that names it."""
        labels = labels_of(incident)
        seen: set[str] = set()
        for number, route in enumerate(self._routes):
            if not matches_some(route.matchers, labels):
                continue
            for receiver in route.receivers:
                if receiver not in seen:
                    seen.add(receiver)
                    group = _group_of(number, route.group_by, labels)
                    yield Destination(receiver, group or incident.id, is_alone=group is None)
            if not route.goes_on:
                return


def _group_of(number: int, names: Sequence[str], labels: Labels) -> str | None:
    if not names:
        return None
    values = [number, *([name, *sorted(labels.get(name, ()))] for name in names)]
    return "group-" + hashlib.sha256(msgspec.json.encode(values)).hexdigest()[:20]
