"""CloudEvents 1.0, JSON, structured: the native form within an envelope that event buses know.

Source: CloudEvents specification 1.0.2, sections "Context Attributes" and "JSON Event Format".
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from pipeline.delivery.formats.fitting import Told, fit
from pipeline.delivery.formats.native import native_value
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.notification import Notification


def render_cloudevent(notification: Notification, settings: FormatSettings) -> Rendered:
    """One event; `id` is the notification's, so that a repeat is known as one."""
    cluster = notification.incidents[0].cluster
    is_alone = len(notification.incidents) == 1 and not notification.omitted_count
    attributes = {
        "specversion": "1.0",
        "id": notification.id,
        "source": "/whystuck" if cluster is None else f"/whystuck/clusters/{quote(cluster, safe='')}",
        "type": f"whystuck.{'incident' if is_alone else 'group'}.{notification.occasion.value}",
        "subject": notification.group,
        "time": notification.at,
        "datacontenttype": "application/json",
    }

    def write(told: Told) -> bytes:
        return msgspec.json.encode(attributes | {"data": native_value(notification, told)})

    return Rendered(fit(notification, write, settings.max_body_bytes), "application/cloudevents+json; charset=utf-8")
