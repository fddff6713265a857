"""A real Alertmanager takes what is pushed to it, and its own webhooks look like ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipeline.delivery.formats.rendering import render
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.notification import Notification
from pipeline.engine.incidents import Incident
from tests.pipeline.delivery.told import told, told_incident
from tests.servers.alertmanager import Alertmanager

pytestmark = pytest.mark.servers

SECONDS_TO_SEND = 120
FIRST, SECOND = "aa01", "bb02"


def _told(*incidents: Incident) -> Notification:
    return msgspec.structs.replace(told(*incidents), at=datetime.now(UTC))


def _pushed(notification: Notification) -> bytes:
    return render(notification, FormatSettings(format=FormatName.ALERTMANAGER_API)).body


def _resolved(identity: str) -> Incident:
    end = datetime.now(UTC) - timedelta(seconds=1)
    return told_incident(identity, status="resolved", resolved_at=end)


def test_it_receives_groups_and_resolves(alertmanager: Alertmanager) -> None:
    assert 200 == alertmanager.push(_pushed(_told(told_incident(FIRST), told_incident(SECOND))))
    fired = alertmanager.sent.get(timeout=SECONDS_TO_SEND)
    while len(fired["alerts"]) < 2:  # it was slow to take the second one in
        fired = alertmanager.sent.get(timeout=SECONDS_TO_SEND)
    (group,) = alertmanager.groups()
    assert 200 == alertmanager.push(_pushed(_told(_resolved(FIRST), _resolved(SECOND))))
    resolved = alertmanager.sent.get(timeout=SECONDS_TO_SEND)
    while resolved["status"] != "resolved":  # the same
        resolved = alertmanager.sent.get(timeout=SECONDS_TO_SEND)
    assert ("firing", {FIRST, SECOND}, {"cluster": "eu-1"}, "resolved", {"resolved"}) == (
        fired["status"],
        {alert["labels"]["incident_id"] for alert in fired["alerts"]},
        group["labels"],
        resolved["status"],
        {alert["status"] for alert in resolved["alerts"]},
    )


def test_its_webhooks_have_the_fields_of_ours(alertmanager: Alertmanager) -> None:
    alertmanager.push(_pushed(_told(told_incident(FIRST))))
    theirs = alertmanager.sent.get(timeout=SECONDS_TO_SEND)
    settings = FormatSettings(format=FormatName.ALERTMANAGER_WEBHOOK)
    ours = msgspec.json.decode(render(_told(told_incident(FIRST)), settings).body)
    assert (theirs.keys(), theirs["alerts"][0].keys(), theirs["commonLabels"]) == (
        ours.keys(),
        ours["alerts"][0].keys(),
        ours["commonLabels"],
    )
