"""What one receiver has been told of one group of incidents, and what it is to be told next. Pure: time is given."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from pipeline.engine.incidents import Incident

_URGENT_TRANSITIONS = frozenset({"opened", "reopened", "resolved", "merged"})
_URGENT_REASONS = frozenset({"severity_raised", "cause_established"})


class Member(msgspec.Struct):
    """An incident of a group."""

    revision: int  # the newest that is worth telling
    told_revision: int = 0  # 0: never told
    is_open: bool = True

    @property
    def is_pending(self) -> bool:
        """Whether there is something new."""
        return self.revision > self.told_revision


class Group(msgspec.Struct):
    """What is told together to one receiver; an incident that is told by itself is a group, too."""

    id: str
    key: str  # what new incidents find it by
    is_alone: bool
    members: dict[str, Member]
    due_at: datetime | None = None
    told_at: datetime | None = None
    remind_at: datetime | None = None
    is_acknowledged: bool = False
    acknowledgement_due: bool = False  # somebody has acknowledged, and the receiver is to know

    def take(self, incident: Incident, at: datetime, *, wait_seconds: float, interval_seconds: float) -> None:
        """Note a change that is worth telling.

        Args:
            incident: in its new revision.
            at: now.
            wait_seconds: how long a group waits before it is told for the first time.
            interval_seconds: how long after one message the next one may follow.
        """
        if incident.id not in self.members or incident.transition.name == "reopened":
            self.is_acknowledged = False  # nobody has seen this one
        member = self.members.setdefault(incident.id, Member(incident.revision))
        member.revision = incident.revision
        member.is_open = incident.status == "open"
        due_at = self._due_at(incident, at, wait_seconds, interval_seconds)
        self.due_at = due_at if self.due_at is None else min(self.due_at, due_at)

    def _due_at(self, incident: Incident, at: datetime, wait_seconds: float, interval_seconds: float) -> datetime:
        if self.is_alone and (self.told_at is None or _is_urgent(incident)):
            return at
        if self.told_at is None:
            return _after(at, wait_seconds)
        return max(at, _after(self.told_at, interval_seconds))

    def acknowledge(self, *, is_told: bool, is_reminded: bool, at: datetime) -> None:
        """Somebody has seen it.

        Args:
            is_told: Whether the receiver is to know that.
            is_reminded: Whether there are reminders all the same.
            at: Now.
        """
        self.is_acknowledged = True
        if not is_reminded:
            self.remind_at = None
        if is_told and self.told_at is not None:
            self.acknowledgement_due = True
            self.due_at = at

    def is_due(self, at: datetime) -> bool:
        """Whether it is time to tell, or to remind."""
        return any(moment is not None and moment <= at for moment in (self.due_at, self.remind_at))

    def told(self, ids: set[str], at: datetime, *, reminder_seconds: float | None) -> None:
        """Note what went out."""
        for identity in ids:
            member = self.members[identity]
            member.told_revision = member.revision
        self.told_at = at
        self.acknowledgement_due = False
        is_open = any(member.is_open and member.told_revision for member in self.members.values())
        self.remind_at = _after(at, reminder_seconds) if is_open and reminder_seconds else None

    def forget_ended(self) -> None:
        """What is over was told by now, or nobody has to know: it was muted, or the receiver is not told of ends."""
        self.members = {identity: member for identity, member in self.members.items() if member.is_open}


def _is_urgent(incident: Incident) -> bool:
    return incident.transition.name in _URGENT_TRANSITIONS or incident.transition.reason in _URGENT_REASONS


def _after(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)
