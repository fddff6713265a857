"""Decides within a commit whom its changes are told, and freezes what they are sent. Pure: time is given.

Its state is part of the commit as everything else: a notification is made exactly once, whenever the process dies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from pipeline.delivery.groups import Group
from pipeline.delivery.messages import ReceiverPolicy, Telling, make_delivery
from pipeline.delivery.muting import ActiveSilence, MuteReason, Mutes
from pipeline.delivery.routing import Destination, Router
from pipeline.delivery.settings import DeliverySettings
from pipeline.delivery.storms import StormWatch
from pipeline.engine.incidents import Incident
from pipeline.errors import StoreVersionError
from pipeline.store.records import Area, Commit, PlannedDelivery, StatePart

LOOK_AGAIN_SECONDS = 30.0
"""After what was to be told is muted: a silence may end."""
_CURSOR = "acknowledgements"
_Place = tuple[str, str]  # receiver, id of the group


class Planner:
    """Used by the pipeline's thread."""

    def __init__(
        self, settings: DeliverySettings, observer: Callable[[MuteReason], None] = lambda _reason: None
    ) -> None:
        self.silences: Sequence[ActiveSilence] = ()
        self.acknowledged_up_to = 0  # number of the last acknowledgement that was looked at
        self._observer = observer
        self._groups: dict[_Place, Group] = {}
        self._by_key: dict[_Place, str] = {}  # receiver and key to id
        self._facts: dict[str, Incident] = {}  # of all members, in their newest revision
        self._dirty: set[_Place] = set()
        self._is_cursor_dirty = False
        self.change(settings)

    def change(self, settings: DeliverySettings) -> None:
        """Go on with other settings; receivers that are gone are told nothing more."""
        self._settings = settings
        self._policies = {each.name: ReceiverPolicy.of(each) for each in settings.receivers}
        self._router = Router(settings)
        self._storms = {name: StormWatch(settings.storm_incidents, settings.storm_seconds) for name in self._policies}
        for place in [place for place in self._groups if place[0] not in self._policies]:
            self._drop(place)

    def recall(self, parts: Iterable[StatePart], read: Callable[[Sequence[str]], Iterable[Incident]]) -> None:
        """Forget everything, go on with what was stored.

        Args:
            parts: of the area of deliveries.
            read: gives incidents by their ids.

        Raises:
            StoreVersionError: What was stored is of a version that this one cannot read.
        """
        for known in (self._groups, self._by_key, self._facts, self._dirty):
            known.clear()
        self._is_cursor_dirty = False
        self.acknowledged_up_to = 0
        try:
            for part in parts:
                self._recall(part)
        except msgspec.DecodeError as error:
            raise StoreVersionError(
                f"the stored state of deliveries cannot be read by this version: {error}"
            ) from error
        ids = {identity for group in self._groups.values() for identity in group.members}
        self._facts = {incident.id: incident for incident in read(sorted(ids))}
        for place, group in list(self._groups.items()):
            group.members = {identity: one for identity, one in group.members.items() if identity in self._facts}
            if not group.members or place[0] not in self._policies:
                self._drop(place)

    def _recall(self, part: StatePart) -> None:
        if part.value is None:
            return
        if not part.owner:
            self.acknowledged_up_to = msgspec.json.decode(part.value, type=int)
            return
        group = msgspec.json.decode(part.value, type=Group)
        self._groups[part.owner, group.id] = group
        self._by_key[part.owner, group.key] = group.id

    def is_due(self, at: datetime) -> bool:
        """Whether there is something to plan, though no incident has changed."""
        return bool(self._dirty) or self._is_cursor_dirty or any(group.is_due(at) for group in self._groups.values())

    def acknowledge(self, number: int, incident_id: str, at: datetime) -> None:
        """Somebody has acknowledged an incident."""
        self.acknowledged_up_to = number
        self._is_cursor_dirty = True
        for place, group in self._groups.items():
            if incident_id in group.members:
                policy = self._policies[place[0]]
                group.acknowledge(is_told=policy.sends_acknowledged, is_reminded=policy.is_expiring, at=at)
                self._dirty.add(place)

    def plan(self, commit: Commit, told: Iterable[Incident], at: datetime) -> Commit:
        """The commit, with what is told because of it or because its time has come.

        Args:
            commit: what the engine has changed.
            told: all incidents that the engine knows, in their newest facts.
            at: now.
        """
        for incident in commit.refreshed:
            if incident.id in self._facts:
                self._facts[incident.id] = incident
        for incident in commit.incidents:
            self._take(incident, at, is_muted=incident.id in commit.unnotified)
        due = [place for place, group in self._groups.items() if group.is_due(at)]
        planned: list[PlannedDelivery] = []
        if due:
            mutes = Mutes(self._settings.inhibitions, self.silences, told, at)
            for place in due:
                planned += self._tell(place, mutes, at)
        return msgspec.structs.replace(commit, parts=(*commit.parts, *self._take_changes()), deliveries=tuple(planned))

    def _take(self, incident: Incident, at: datetime, *, is_muted: bool) -> None:
        for place in self._places(incident, at, is_muted=is_muted):
            group = self._groups[place]
            self._facts[incident.id] = incident
            group.take(
                incident,
                at,
                wait_seconds=self._settings.group_wait_seconds,
                interval_seconds=self._settings.group_interval_seconds,
            )
            self._dirty.add(place)

    def _places(self, incident: Incident, at: datetime, *, is_muted: bool) -> Iterator[_Place]:
        """The groups that the change belongs to: where it already is, it stays."""
        holding = {place[0]: place for place, group in self._groups.items() if incident.id in group.members}
        yield from holding.values()
        if is_muted:
            return
        for destination in self._router.destinations(incident):
            if destination.receiver not in holding and destination.receiver in self._policies:
                yield self._place_for(destination, at)

    def _place_for(self, destination: Destination, at: datetime) -> _Place:
        receiver, key, is_alone = destination.receiver, destination.group, destination.is_alone
        if is_alone and self._storms[receiver].is_storm(at):
            key, is_alone = "storm", False
        known = self._by_key.get((receiver, key))
        if known is not None:
            return receiver, known
        identity = key if is_alone else f"{key}-{int(at.timestamp() * 1000):x}"
        place = receiver, identity
        self._groups[place] = Group(identity, key, is_alone, {})
        self._by_key[receiver, key] = identity
        return place

    def _tell(self, place: _Place, mutes: Mutes, at: datetime) -> Iterator[PlannedDelivery]:
        receiver, group = place[0], self._groups[place]
        policy = self._policies[receiver]
        telling = Telling.choose(group, self._facts, policy, self._muted(group, mutes), at)
        group.due_at = None
        if telling is not None:
            if telling.is_news:
                self._storms[receiver].note(at)
            yield make_delivery(telling, policy, at)
            is_reminded = policy.is_expiring or not group.is_acknowledged
            group.told(telling.ids, at, reminder_seconds=policy.reminder_seconds if is_reminded else None)
        self._put_off(group, at)
        group.forget_ended()
        self._dirty.add(place)
        if not group.members:
            self._drop(place)

    def _muted(self, group: Group, mutes: Mutes) -> set[str]:
        """Members that are not told: what was told before and is over now is told in any case."""
        muted = set()
        for identity, member in group.members.items():
            reason = mutes.reason(self._facts[identity])
            if reason is not None and (member.is_open or not member.told_revision):
                muted.add(identity)
                if member.is_pending:
                    self._observer(reason)
        return muted

    @staticmethod
    def _put_off(group: Group, at: datetime) -> None:
        """What could not be told now is looked at again: a silence may end."""
        again = at + timedelta(seconds=LOOK_AGAIN_SECONDS)
        if group.remind_at is not None and group.remind_at <= at:
            group.remind_at = again
        if any(member.is_pending and member.is_open for member in group.members.values()):
            group.due_at = again

    def _drop(self, place: _Place) -> None:
        group = self._groups.pop(place)
        self._by_key.pop((place[0], group.key), None)
        self._dirty.add(place)

    def _take_changes(self) -> Iterator[StatePart]:
        for place in sorted(self._dirty):
            group = self._groups.get(place)
            value = None if group is None else msgspec.json.encode(group)
            yield StatePart(Area.DELIVERY, place[0], place[1], value)
        self._dirty.clear()
        if self._is_cursor_dirty:
            yield StatePart(Area.DELIVERY, "", _CURSOR, msgspec.json.encode(self.acknowledged_up_to))
            self._is_cursor_dirty = False
        held = {identity for group in self._groups.values() for identity in group.members}
        self._facts = {identity: one for identity, one in self._facts.items() if identity in held}
