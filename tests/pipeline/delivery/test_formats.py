"""What each receiver gets."""

from __future__ import annotations

from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import jsonschema
import msgspec
import pytest

from pipeline.delivery.formats.fitting import TooLargeError
from pipeline.delivery.formats.rendered import put_key
from pipeline.delivery.formats.rendering import render
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.formats.slack import MAX_BLOCKS, MAX_TEXT_CHARS
from pipeline.delivery.notification import Notification, Occasion
from pipeline.report.schemas import group_schema, incident_schema
from tests.pipeline.delivery.examples import FOLDER, examples
from tests.pipeline.delivery.told import TOLD_AT, resolved_incident, told, told_incident

_LONG = "<!channel> @here & *bold* " * 2000
_HOSTILE = told_incident(title=_LONG, summary=_LONG, runbook_url=None)


def _body(form: FormatName, notification: Notification, **settings: Any) -> Any:
    return msgspec.json.decode(render(notification, FormatSettings(format=form, **settings)).body)


@pytest.mark.parametrize(
    ("name", "content"), list(examples()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_examples_are_what_is_sent(name: str, content: bytes):
    assert content == (FOLDER / name).read_bytes(), "python -m tests.pipeline.delivery.examples"


@pytest.mark.parametrize("form", FormatName)
def test_the_same_notification_has_the_same_bytes(form: FormatName):
    settings = FormatSettings(format=form)

    assert render(told(), settings) == render(told(), settings)


@pytest.mark.parametrize("form", FormatName)
def test_what_cannot_fit_is_said(form: FormatName):
    with pytest.raises(TooLargeError):
        render(told(), FormatSettings(format=form, max_body_bytes=50))


def test_an_incident_told_alone_is_the_incident():
    assert msgspec.json.encode(told_incident()) == render(told(), FormatSettings()).body


def test_a_group_is_of_its_schema():
    group = _body(FormatName.NATIVE, told(told_incident(), told_incident("0c5e"), omitted_count=3))

    jsonschema.validate(group, group_schema())
    assert ([each["id"] for each in group["incidents"]], 3) == (
        ["beab67897846fb9769f0", "0c5e"],
        group["omitted_count"],
    )


def test_the_largest_field_goes_first_and_is_named():
    provenance = {"source": "a", "line": 1}
    lines = [{"at": TOLD_AT, "text": "x" * 500, "rule": "r", "provenance": provenance} for _ in range(10)]

    body = _body(FormatName.NATIVE, told(told_incident(evidence=lines)), max_body_bytes=4000)

    jsonschema.validate(body, incident_schema())
    assert (["evidence"], [], 360) == (body["omitted_fields"], body["evidence"], body["evidence_omitted_count"])


def test_a_group_that_is_too_large_counts_what_is_left_out():
    many = [told_incident(f"a{number}") for number in range(64)]

    body = _body(FormatName.NATIVE, told(*many), max_body_bytes=20_000)

    assert len(many) == len(body["incidents"]) + body["omitted_count"]


def test_a_cloud_event_has_the_attributes_of_the_specification():
    event = _body(FormatName.CLOUDEVENTS, told(told_incident(cluster="eu/1 ")))

    assert {
        "specversion": "1.0",
        "id": told().id,
        "source": "/whystuck/clusters/eu%2F1%20",
        "type": "whystuck.incident.opened",
        "subject": "beab67897846fb9769f0",
        "time": "2026-03-01T12:02:00Z",
        "datacontenttype": "application/json",
    } == {name: value for name, value in event.items() if name != "data"}
    jsonschema.validate(event["data"], incident_schema())


@pytest.mark.parametrize(
    ("occasion", "incident", "action"),
    [
        pytest.param(Occasion.OPENED, told_incident(), "trigger", id="opened"),
        pytest.param(Occasion.REMINDER, told_incident(), "trigger", id="reminder"),
        pytest.param(Occasion.ACKNOWLEDGED, told_incident(), "acknowledge", id="acknowledged"),
        pytest.param(Occasion.RESOLVED, resolved_incident(), "resolve", id="resolved"),
        pytest.param(Occasion.MERGED, told_incident(status="merged", merged_into="0c5e"), "resolve", id="merged"),
    ],
)
def test_pagerduty_is_told_what_to_do_under_one_key(occasion: Occasion, incident: Any, action: str):
    event = _body(FormatName.PAGERDUTY, told(incident, occasion=occasion))

    assert (action, "whystuck/beab67897846fb9769f0") == (event["event_action"], event["dedup_key"])


def test_a_group_is_not_over_while_incidents_that_are_not_shown_may_be_open():
    event = _body(FormatName.PAGERDUTY, told(resolved_incident(), occasion=Occasion.UPDATED, omitted_count=1))

    assert "trigger" == event["event_action"]


def test_pagerdutys_limits_are_kept():
    event = _body(FormatName.PAGERDUTY, told(_HOSTILE))

    assert (1024, "critical") == (len(event["payload"]["summary"]), event["payload"]["severity"])


def test_the_routing_key_is_put_in_when_it_is_sent():
    rendered = render(told(), FormatSettings(format=FormatName.PAGERDUTY))

    sent = msgspec.json.decode(put_key(rendered, 'k"1'))

    assert msgspec.json.decode(rendered.body) | {"routing_key": 'k"1'} == sent


def test_slacks_limits_are_kept_and_what_is_left_out_is_said():
    message = _body(FormatName.SLACK, told(*[_HOSTILE] * 40))

    texts = [block["text"]["text"] for block in message["blocks"]]
    assert len(texts) <= MAX_BLOCKS
    assert max(map(len, texts)) <= MAX_TEXT_CHARS
    assert "were left out" in texts[-1]


def test_slack_acts_on_nothing_that_a_log_says():
    message = _body(FormatName.SLACK, told(_HOSTILE))

    assert {"plain_text"} == {block["text"]["type"] for block in message["blocks"]}
    assert all(active not in message["text"] for active in ("<", "@here"))


def test_alertmanagers_webhook_body_has_its_fields():
    body = _body(FormatName.ALERTMANAGER_WEBHOOK, told(told_incident(), resolved_incident()))

    assert ("4", "firing", ["firing", "resolved"]) == (
        body["version"],
        body["status"],
        [alert["status"] for alert in body["alerts"]],
    )
    assert "RolloutStuck" == body["commonLabels"]["alertname"]


def test_an_open_alert_ends_in_the_future():
    (alert,) = _body(FormatName.ALERTMANAGER_API, told(), firing_seconds=240)

    assert TOLD_AT + timedelta(seconds=240) == datetime.fromisoformat(alert["endsAt"])


def test_a_resolved_alert_has_ended_and_bears_the_same_labels():
    (alert,) = _body(FormatName.ALERTMANAGER_API, told(resolved_incident(), occasion=Occasion.RESOLVED))

    assert datetime.fromisoformat(alert["endsAt"]) <= TOLD_AT
    assert _body(FormatName.ALERTMANAGER_API, told())[0]["labels"] == alert["labels"]


def test_labels_are_never_empty():
    (alert,) = _body(FormatName.ALERTMANAGER_API, told(told_incident(cluster=None)))

    assert all(alert["labels"].values())
    assert "cluster" not in alert["labels"]


def test_mail_says_the_same_in_text_and_in_html_that_is_escaped():
    title = "a\nBcc: x@example.com <b>"
    rendered = render(
        told(told_incident(title=title)), FormatSettings(format=FormatName.EMAIL, mail_to=("a@b.example",))
    )

    message = message_from_bytes(rendered.body, policy=SMTP)

    text, markup = (part.get_content() for part in message.iter_parts())
    assert (f"<{told().id}@whystuck.invalid>", None) == (message["Message-ID"], message["Bcc"])
    assert "<b>" in text
    assert "<b>" not in markup
