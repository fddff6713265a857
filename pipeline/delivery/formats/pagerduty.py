"""PagerDuty Events API v2: trigger, acknowledge, resolve, under one key for the whole life of what is told.

Source: PagerDuty's documentation of `POST /v2/enqueue`. `routing_key` is a secret and put in when it is sent.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.delivery.formats.fitting import Told, fit
from pipeline.delivery.formats.native import native_value
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.formats.wording import cause_line, cut, headline, is_over, worst_severity
from pipeline.delivery.notification import Notification, Occasion

MAX_EVENT_BYTES = 512 * 1024
MAX_SUMMARY_CHARS = 1024
_ROOM_FOR_SECRET_BYTES = 256


def render_pagerduty(notification: Notification, settings: FormatSettings) -> Rendered:
    """One event without its routing key."""
    action = _action(notification)
    event = {"event_action": action, "dedup_key": f"whystuck/{notification.group}"}
    if action != "trigger":
        return Rendered(msgspec.json.encode(event), "application/json", key_field="routing_key")

    def write(told: Told) -> bytes:
        return msgspec.json.encode(event | _trigger(notification, told))

    limit = min(settings.max_body_bytes, MAX_EVENT_BYTES) - _ROOM_FOR_SECRET_BYTES
    return Rendered(fit(notification, write, limit), "application/json", key_field="routing_key")


def _action(notification: Notification) -> str:
    if is_over(notification):
        return "resolve"
    return "acknowledge" if notification.occasion is Occasion.ACKNOWLEDGED else "trigger"


def _trigger(notification: Notification, told: Told) -> dict[str, Any]:
    incident = notification.incidents[0]
    url = incident.runbook_url
    fields = {
        "client": "whystuck",
        "payload": {
            "summary": cut(headline(notification), MAX_SUMMARY_CHARS),
            "source": incident.cluster or "whystuck",
            "severity": worst_severity(notification),
            "timestamp": incident.opened_at,
            "component": cause_line(incident.cause),
            "group": notification.group,
            "class": incident.cause.failure_class,
            "custom_details": native_value(notification, told),
        },
    }
    return fields | {"links": [{"href": url, "text": "Read more"}]} if url else fields
