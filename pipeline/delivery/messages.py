"""What of a group is told now, and as which bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Self

import msgspec

from pipeline.delivery.formats.fitting import TooLargeError
from pipeline.delivery.formats.rendering import render
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.groups import Group
from pipeline.delivery.notification import Notification, Occasion
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.engine.incidents import Incident
from pipeline.store.records import PlannedDelivery


class ReceiverPolicy(msgspec.Struct, frozen=True):
    """What a receiver wants to be told, and in which form."""

    name: str
    form: FormatSettings
    sends_resolved: bool
    sends_acknowledged: bool
    reminder_seconds: float | None
    is_expiring: bool  # forgets what it is not reminded of, also when somebody has acknowledged it

    @classmethod
    def of(cls, settings: ReceiverSettings) -> Self:
        """Of a receiver's settings."""
        return cls(
            settings.name,
            settings.format_settings(),
            settings.send_resolved,
            settings.tells_acknowledged,
            settings.reminds_after_seconds,
            settings.format is FormatName.ALERTMANAGER_API,
        )


class Telling(msgspec.Struct, frozen=True):
    """What of a group is told at one time."""

    group: str
    occasion: Occasion
    incidents: tuple[Incident, ...]
    ids: set[str]  # of those that need not be told again in this revision
    is_news: bool  # an incident that is told by itself and was not known

    @classmethod
    def choose(
        cls, group: Group, facts: Mapping[str, Incident], policy: ReceiverPolicy, muted: set[str], at: datetime
    ) -> Self | None:
        """What to tell now; None: nothing.

        Args:
            group: What the receiver was told.
            facts: The newest of each member.
            policy: What the receiver wants.
            muted: Members that are not told.
            at: Now.
        """
        shown = {name: one for name, one in group.members.items() if name not in muted}
        told = {name for name, one in shown.items() if one.is_open or (policy.sends_resolved and one.is_pending)}
        news = {name for name in told if shown[name].is_pending}
        is_reminder = _is_reminder(group, policy, at)
        if not told or not (news or group.acknowledgement_due or is_reminder):
            return None
        incidents = sorted((facts[name] for name in told), key=lambda one: (one.opened_at, one.id))
        occasion = _occasion(group, incidents, has_news=bool(news))
        is_news = group.is_alone and occasion is Occasion.OPENED
        return cls(group.id, occasion, tuple(incidents), told, is_news)


def _is_reminder(group: Group, policy: ReceiverPolicy, at: datetime) -> bool:
    if group.remind_at is None or group.remind_at > at:
        return False
    return policy.is_expiring or not group.is_acknowledged


def _occasion(group: Group, incidents: list[Incident], *, has_news: bool) -> Occasion:
    if not has_news:
        return Occasion.ACKNOWLEDGED if group.acknowledgement_due else Occasion.REMINDER
    if all(one.status != "open" for one in incidents):
        return Occasion.MERGED if all(one.status == "merged" for one in incidents) else Occasion.RESOLVED
    is_first = not any(group.members[one.id].told_revision for one in incidents)
    if is_first or (group.is_alone and incidents[0].transition.name == "reopened"):
        return Occasion.OPENED
    return Occasion.UPDATED


def make_delivery(telling: Telling, policy: ReceiverPolicy, at: datetime) -> PlannedDelivery:
    """The notification as bytes. Its id is the same for the same content at the same time, and for no other."""
    revisions = tuple((one.id, one.revision) for one in telling.incidents)
    identity = [policy.name, telling.group, telling.occasion.value, at.isoformat(), revisions]
    notification = Notification(
        id="msg_" + hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:32],
        receiver=policy.name,
        occasion=telling.occasion,
        at=at,
        incidents=telling.incidents,
        group=telling.group,
    )
    planned = PlannedDelivery(
        id=notification.id,
        receiver=policy.name,
        group=telling.group,
        occasion=telling.occasion.value,
        incidents=revisions,
        body=b"",
        content_type="application/json",
        supersedes=telling.occasion is not Occasion.ACKNOWLEDGED,
    )
    try:
        rendered = render(notification, policy.form)
    except TooLargeError as error:
        return msgspec.structs.replace(planned, problem=f"too large: {error}")
    return msgspec.structs.replace(
        planned, body=rendered.body, content_type=rendered.content_type, key_field=rendered.key_field
    )
