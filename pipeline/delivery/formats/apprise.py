"""Title and text for whatever Apprise knows: chat, SMS, push. It makes the service's own form of them when it sends.

Source: Apprise's documentation of `Apprise.notify`: title, body, and the type success, info, warning or failure.
"""

from __future__ import annotations

import msgspec

from pipeline.delivery.formats.email import text_lines
from pipeline.delivery.formats.fitting import TooLargeError
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.formats.wording import cut, headline, is_over, worst_severity
from pipeline.delivery.notification import Notification

_MAX_TITLE_CHARS = 200
_TYPES = {"critical": "failure", "warning": "warning", "info": "info"}


class AppriseMessage(msgspec.Struct, frozen=True):
    """What is handed to Apprise."""

    title: str
    body: str
    type: str


def render_apprise(notification: Notification, settings: FormatSettings) -> Rendered:
    """One message as plain text.

    Raises:
        TooLargeError: The first line alone is larger than the receiver takes.
    """
    lines = list(text_lines(notification))
    kept = lines
    while len(body := msgspec.json.encode(_message(notification, kept, len(lines)))) > settings.max_body_bytes:
        if len(kept) <= 1:
            raise TooLargeError(f"{len(body)} bytes; the receiver takes {settings.max_body_bytes}")
        kept = kept[: len(kept) // 2]
    return Rendered(body, "application/json")


def _message(notification: Notification, kept: list[str], count: int) -> AppriseMessage:
    end = [f"{count - len(kept)} lines were left out."] if len(kept) < count else []
    state = "resolved" if is_over(notification) else notification.occasion.value
    return AppriseMessage(
        title=cut(" ".join(f"[whystuck] {state}: {headline(notification)}".split()), _MAX_TITLE_CHARS),
        body="\n".join([*kept, *end]),
        type="success" if is_over(notification) else _TYPES[worst_severity(notification)],
    )
