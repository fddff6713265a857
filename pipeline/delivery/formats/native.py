"""whystuck's own JSON: an incident told alone is the incident; a group stands in an envelope.

`whystuck schema incident` and `whystuck schema group` describe both. Where fields were left out because the message
would have been too large, `omitted_fields` names them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from pipeline.delivery.formats.fitting import Told, fit
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.notification import Notification, Occasion
from pipeline.engine.incidents import Incident


class IncidentGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents that are told together."""

    schema_version: Literal[1] = 1
    id: str  # of the notification
    group: str  # the same for the whole life of what is told together
    occasion: Occasion
    at: datetime
    incidents: tuple[Incident, ...]
    omitted_count: int = 0  # incidents of the group that are not among them
    omitted_fields: tuple[str, ...] = ()  # of every incident: left out, as the message would have been too large


def render_native(notification: Notification, settings: FormatSettings) -> Rendered:
    """The incident, or the group."""

    def write(told: Told) -> bytes:
        return msgspec.json.encode(native_value(notification, told))

    return Rendered(fit(notification, write, settings.max_body_bytes), "application/json")


def native_value(notification: Notification, told: Told) -> dict[str, Any]:
    """The same as plain JSON values, to be put into something else."""
    omitted = {"omitted_fields": told.omitted_fields} if told.omitted_fields else {}
    if len(notification.incidents) == 1 and not notification.omitted_count:
        return told.incidents[0] | omitted
    return {
        "schema_version": 1,
        "id": notification.id,
        "group": notification.group,
        "occasion": notification.occasion,
        "at": notification.at,
        "incidents": told.incidents,
        "omitted_count": told.omitted_count,
        "omitted_fields": told.omitted_fields,
    }
