"""What a form needs to know of its receiver. No secrets: what is rendered is stored and shown."""

from __future__ import annotations

import enum

import msgspec


class FormatName(enum.Enum):
    """A form that receivers know."""

    NATIVE = "native"
    CLOUDEVENTS = "cloudevents"
    ALERTMANAGER_WEBHOOK = "alertmanager_webhook"
    ALERTMANAGER_API = "alertmanager_api"
    PAGERDUTY = "pagerduty"
    SLACK = "slack"
    EMAIL = "email"
    APPRISE = "apprise"  # an extra: whatever Apprise knows


class FormatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver is told."""

    format: FormatName = FormatName.NATIVE
    max_body_bytes: int = 1_048_576
    """More never goes into one message; a form whose receiver takes less has a limit of its own below that."""
    firing_seconds: int = 300
    """`alertmanager_api`: an alert ends by itself so long after it was told last."""
    mail_from: str = "whystuck@localhost"
    mail_to: tuple[str, ...] = ()
