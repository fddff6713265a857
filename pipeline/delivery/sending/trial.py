"""A message that tries a receiver out: it has the receiver's form and way, and says that it is a test."""

from __future__ import annotations

from datetime import datetime

from pipeline.delivery.formats.rendering import render
from pipeline.delivery.notification import Notification, Occasion
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.outbox import OutgoingMessage
from pipeline.delivery.sending.outcome import Outcome
from pipeline.delivery.sending.sender import Sender
from pipeline.engine.incidents import CauseFacts, ControllerFacts, Incident, Transition

_ID = "test"


def try_receiver(settings: ReceiverSettings, sender: Sender, message_id: str, at: datetime) -> Outcome:
    """Send one test message, once, past the outbox.

    Args:
        settings: Of the receiver.
        sender: Of the receiver; it is closed afterwards.
        message_id: `webhook-id`, a new one.
        at: Now.

    Raises:
        TooLargeError: The receiver's limit is too small for any message.
    """
    notification = Notification(
        id=message_id,
        receiver=settings.name,
        occasion=Occasion.TEST,
        at=at,
        incidents=(_example(at),),
        group=message_id,
    )
    rendered = render(notification, settings.format_settings())
    message = OutgoingMessage(
        number=0, id=message_id, body=rendered.body, content_type=rendered.content_type, key_field=rendered.key_field
    )
    try:
        return sender.send(message, at)
    finally:
        sender.close()


def _example(at: datetime) -> Incident:
    """No incident of anybody's."""
    cause = CauseFacts("unknown", False, "none", (), None, None, None)
    return Incident(
        id=_ID, fingerprint=_ID, revision=1, transition=Transition("opened", "test"), kind="stuck", status="open",
        severity="info", title="test message of whystuck: nothing is stuck",
        summary="Somebody ran `whystuck deliveries test`. There is nothing to do.", cluster=None,
        controller=ControllerFacts(), opened_at=at, updated_at=at, resolved_at=None, merged_into=None, cause=cause,
        victims=(), evidence=(), evidence_omitted_count=0, timeline=(), remediation=(), runbook_url=None,
    )  # fmt: skip
