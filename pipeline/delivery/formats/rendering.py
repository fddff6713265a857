"""A notification in the form that its receiver knows. Pure and quick: it runs within the commit."""

from __future__ import annotations

from pipeline.delivery.formats.alertmanager import render_alertmanager_api, render_alertmanager_webhook
from pipeline.delivery.formats.apprise import render_apprise
from pipeline.delivery.formats.cloudevents import render_cloudevent
from pipeline.delivery.formats.email import render_email
from pipeline.delivery.formats.native import render_native
from pipeline.delivery.formats.pagerduty import render_pagerduty
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.formats.slack import render_slack
from pipeline.delivery.notification import Notification

_FORMATS = {
    FormatName.NATIVE: render_native,
    FormatName.CLOUDEVENTS: render_cloudevent,
    FormatName.ALERTMANAGER_WEBHOOK: render_alertmanager_webhook,
    FormatName.ALERTMANAGER_API: render_alertmanager_api,
    FormatName.PAGERDUTY: render_pagerduty,
    FormatName.SLACK: render_slack,
    FormatName.EMAIL: render_email,
    FormatName.APPRISE: render_apprise,
}


def render(notification: Notification, settings: FormatSettings) -> Rendered:
    """The bytes to store and to send: the same for the same notification and settings.

    Raises:
        TooLargeError: It does not fit into the receiver's limit, whatever is left out.
    """
    return _FORMATS[settings.format](notification, settings)
