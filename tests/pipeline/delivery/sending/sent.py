"""Receivers and messages that tests send."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.addresses import AddressGuard, Lookup
from pipeline.delivery.sending.outbox import OutgoingMessage
from pipeline.delivery.sending.outcome import Outcome
from pipeline.delivery.sending.webhook import WebhookSender
from pipeline.secret import SecretAddress

BODY = '{"id":"a1","title":"rollout production/api ist blockiert: ü"}'.encode()
FIRST_SECRET = "whsec_" + base64.b64encode(b"first secret of the tests".ljust(32, b".")).decode()
SECOND_SECRET = "whsec_" + base64.b64encode(b"second secret of the tests".ljust(32, b".")).decode()


def receiver(url: str = "http://127.0.0.1:9/hook", **settings: Any) -> ReceiverSettings:
    """A receiver on loopback."""
    return ReceiverSettings(
        **{"name": "oncall", "url": SecretAddress(url), "allow_networks": ("127.0.0.0/8",)} | settings
    )


def message(number: int = 1, body: bytes = BODY, **fields: Any) -> OutgoingMessage:
    """A message as the outbox gives it."""
    return OutgoingMessage(
        **{"number": number, "id": f"msg_{number}", "body": body, "content_type": "application/json"} | fields
    )


def send_once(
    settings: ReceiverSettings,
    sent: OutgoingMessage | None = None,
    *,
    at: datetime | None = None,
    lookup: Lookup | None = None,
) -> Outcome:
    """One attempt by a sender of its own."""
    guard = AddressGuard(settings.networks, lookup)
    sender = WebhookSender(settings, "1.2.3", guard)
    try:
        return sender.send(sent or message(), at or datetime.now(UTC))
    finally:
        sender.close()


def write(folder: Path, name: str, content: str) -> str:
    """A file of that content; gives its path."""
    path = folder / name
    path.write_text(content)
    return str(path)
