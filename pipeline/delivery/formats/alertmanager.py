"""Alertmanager's two forms: the body of its webhooks (version 4), and what it takes itself (API v2).

Sources: Prometheus documentation, "Webhook Receiver"; Alertmanager's OpenAPI description of `POST /api/v2/alerts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from pipeline.delivery.formats.alerts import alert_annotations, alert_fingerprint, alert_labels
from pipeline.delivery.formats.fitting import TooLargeError
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.formats.wording import is_over
from pipeline.delivery.notification import Notification
from pipeline.engine.incidents import Incident

_NO_END = "0001-01-01T00:00:00Z"  # Go's zero time: not over


def render_alertmanager_webhook(notification: Notification, settings: FormatSettings) -> Rendered:
    """What a receiver of Alertmanager's webhooks gets from Alertmanager."""
    alerts = [_webhook_alert(each) for each in notification.incidents]

    def write(kept: Sequence[dict[str, Any]]) -> bytes:
        return msgspec.json.encode(
            {
                "version": "4",
                "groupKey": f"whystuck/{notification.group}",
                "truncatedAlerts": notification.omitted_count + len(alerts) - len(kept),
                "status": "resolved" if is_over(notification) else "firing",
                "receiver": notification.receiver,
                "groupLabels": {},
                "commonLabels": _common([alert["labels"] for alert in kept]),
                "commonAnnotations": _common([alert["annotations"] for alert in kept]),
                "externalURL": "",
                "alerts": kept,
            }
        )

    return Rendered(_fit_alerts(alerts, write, settings.max_body_bytes), "application/json")


def render_alertmanager_api(notification: Notification, settings: FormatSettings) -> Rendered:
    """Alerts for `POST /api/v2/alerts`. Open ones end in the future: they have to be sent again before."""
    ends_at = notification.at + timedelta(seconds=settings.firing_seconds)
    alerts = [_pushed_alert(each, notification.at, ends_at) for each in notification.incidents]
    return Rendered(_fit_alerts(alerts, msgspec.json.encode, settings.max_body_bytes), "application/json")


def _webhook_alert(incident: Incident) -> dict[str, Any]:
    labels = alert_labels(incident)
    is_open = incident.status == "open"
    return {
        "status": "firing" if is_open else "resolved",
        "labels": labels,
        "annotations": alert_annotations(incident),
        "startsAt": incident.opened_at,
        "endsAt": _NO_END if is_open else incident.resolved_at or incident.updated_at,
        "generatorURL": incident.runbook_url or "",
        "fingerprint": alert_fingerprint(labels),
    }


def _pushed_alert(incident: Incident, at: datetime, ends_at: datetime) -> dict[str, Any]:
    """An end that lies in Alertmanager's future would keep a resolved alert firing: never later than `at`."""
    end = ends_at if incident.status == "open" else min(incident.resolved_at or at, at)
    alert = {
        "labels": alert_labels(incident),
        "annotations": alert_annotations(incident),
        "startsAt": min(incident.opened_at, end),
        "endsAt": end,
    }
    url = incident.runbook_url
    return alert | {"generatorURL": url} if url else alert


def _common(each: Sequence[dict[str, str]]) -> dict[str, str]:
    first, *others = each
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _fit_alerts(
    alerts: Sequence[dict[str, Any]], write: Callable[[Sequence[dict[str, Any]]], bytes], limit: int
) -> bytes:
    """As many as fit. Their texts are short; what is large is their number."""
    kept = alerts
    while len(body := write(kept)) > limit:
        if len(kept) == 1:
            raise TooLargeError(f"{len(body)} bytes; the receiver takes {limit}")
        kept = kept[: len(kept) // 2]
    return body
