"""A trial of a receiver, and messages that go through Apprise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pipeline.delivery.formats.rendering import render
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.outcome import OutcomeReason, Verdict
from pipeline.delivery.sending.senders import create_sender
from pipeline.delivery.sending.trial import try_receiver
from pipeline.secret import SecretAddress
from tests.pipeline.delivery.sending.sent import message, receiver, write
from tests.pipeline.delivery.told import told
from tests.servers.hostile_receiver import Answer, HostileReceiver

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("form", [each for each in FormatName if each not in (FormatName.EMAIL, FormatName.APPRISE)])
def test_a_trial_has_the_receivers_form_and_way(form: FormatName, tmp_path: Any) -> None:
    """Once, and says that it is a test."""
    key: dict[str, Any] = {"routing_key_file": write(tmp_path, "key", "k")} if form is FormatName.PAGERDUTY else {}
    with HostileReceiver([Answer(status=202)]) as server:
        settings = receiver(server.url, format=form, **key)
        outcome = try_receiver(settings, create_sender(settings, "1"), "msg_test", NOW)
        (received,) = server.received

    assert (Verdict.DELIVERED, 202, "msg_test") == (outcome.verdict, outcome.status, received.id)
    assert b"test message of whystuck" in received.body
    msgspec.json.decode(received.body)


def test_apprise_is_handed_title_text_and_type() -> None:
    """Its own service for JSON shows what arrives."""
    rendered = render(told(), FormatSettings(format=FormatName.APPRISE))
    with HostileReceiver() as server:
        outcome = create_sender(_apprise(f"json://127.0.0.1:{server.port}/"), "1").send(
            message(body=rendered.body), NOW
        )
        body = msgspec.json.decode(server.received[0].body)

    assert Verdict.DELIVERED is outcome.verdict
    assert (
        "[whystuck] opened: rollout production/api is stuck: the certificate of tools/guard has expired",
        "failure",
    ) == (
        body["title"],
        body["type"],
    )
    assert "x509: certificate has expired" in body["message"]


def test_what_apprise_cannot_send_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """It says no more than that; an address that it does not know is the settings' fault."""
    with HostileReceiver([Answer(status=500)]) as server:
        failed = create_sender(_apprise(f"json://127.0.0.1:{server.port}/"), "1").send(_told(), NOW)
    unknown = create_sender(_apprise("no-such-service://s3cr3t"), "1").send(_told(), NOW)

    assert (Verdict.RETRY, OutcomeReason.SERVER_ERROR) == (failed.verdict, failed.reason)
    assert (Verdict.RETRY, OutcomeReason.SETTINGS_UNUSABLE) == (unknown.verdict, unknown.reason)
    assert "s3cr3t" not in unknown.detail + caplog.text


def _apprise(url: str) -> ReceiverSettings:
    return ReceiverSettings(name="chat", format=FormatName.APPRISE, url=SecretAddress(url))


def _told() -> Any:
    return message(body=render(told(), FormatSettings(format=FormatName.APPRISE)).body)
