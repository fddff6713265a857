"""What is known and not told: silences, opt-outs, and what something else explains."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from pipeline.delivery.labels import is_opted_out, labels_of
from pipeline.delivery.matching import Labels, Matcher, matches_all, matches_some, parse_matchers
from pipeline.delivery.settings import InhibitionSettings
from pipeline.engine.incidents import Incident
from pipeline.store.silences import Silence


class MuteReason(enum.Enum):
    """Why an incident is not told."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    OPTED_OUT = "opted_out"


class ActiveSilence(msgspec.Struct, frozen=True):
    """A silence with its matchers read."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime

    def covers(self, labels: Labels, at: datetime) -> bool:
        """Whether it hides all of an incident."""
        return self.starts_at <= at < self.ends_at and matches_all(self.matchers, labels)


def activate(silence: Silence) -> ActiveSilence:
    """A silence as it is asked.

    Raises:
        ConfigurationError: A matcher cannot be read: it was checked when it was made, perhaps by another version.
    """
    return ActiveSilence(parse_matchers(silence.matchers), silence.starts_at, silence.ends_at)


class _Rule(msgspec.Struct, frozen=True):
    sources: tuple[Matcher, ...]
    targets: tuple[Matcher, ...]
    equal: tuple[str, ...]
    same_victims: bool


class Mutes:
    """Answers whether an incident is told at a moment."""

    def __init__(
        self,
        rules: Sequence[InhibitionSettings],
        silences: Sequence[ActiveSilence],
        open_incidents: Iterable[Incident],
        at: datetime,
    ) -> None:
        self._rules = [
            _Rule(parse_matchers(rule.sources), parse_matchers(rule.targets), rule.equal, rule.same_victims)
            for rule in rules
        ]
        self._silences = silences
        self._at = at
        self._open = [(one, labels_of(one)) for one in open_incidents if one.status == "open"]

    def reason(self, incident: Incident) -> MuteReason | None:
        """Why it is not told; None: it is."""
        if is_opted_out(incident):
            return MuteReason.OPTED_OUT
        labels = labels_of(incident)
        if any(silence.covers(labels, self._at) for silence in self._silences):
            return MuteReason.SILENCED
        if any(self._inhibits(rule, incident, labels) for rule in self._rules):
            return MuteReason.INHIBITED
        return None

    def _inhibits(self, rule: _Rule, target: Incident, labels: Labels) -> bool:
        if not matches_all(rule.targets, labels) or matches_some(rule.sources, labels):
            return False
        return any(
            source.id != target.id
            and matches_some(rule.sources, its)
            and all(its.get(name) == labels.get(name) for name in rule.equal)
            and (not rule.same_victims or _victims(target) <= _victims(source))
            for source, its in self._open
        )


def _victims(incident: Incident) -> set[tuple[str, str | None, str | None]]:
    return {(victim.kind, victim.namespace, victim.name) for victim in incident.victims}
