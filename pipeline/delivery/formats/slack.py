"""Slack: a message of blocks for an incoming webhook.

Source: Slack's reference of Block Kit. Texts out of logs stand in `plain_text`, where Slack knows neither mark-up nor
mentions; only the text of the notification itself is mark-up, and is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.delivery.formats.fitting import TooLargeError
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.formats.wording import cause_line, cut, headline, is_over
from pipeline.delivery.notification import Notification
from pipeline.engine.incidents import Incident

MAX_BLOCKS = 50
MAX_TEXT_CHARS = 3000
MAX_HEADER_CHARS = 150
_MAX_FALLBACK_CHARS = 1000  # before it is escaped, which makes it at most five times as long
_MAX_SHOWN_EVIDENCE = 3
_MAX_SHOWN_STEPS = 5
_BLOCKS_OF_END = 2
_MENTION = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)
_WORD_JOINER = "\u2060"


def render_slack(notification: Notification, settings: FormatSettings) -> Rendered:
    """One message.

    Raises:
        TooLargeError: Its head alone is larger than the receiver takes.
    """
    blocks = list(_blocks(notification))
    kept = blocks[: MAX_BLOCKS - _BLOCKS_OF_END]
    while len(body := _message(notification, kept, len(blocks) - len(kept))) > settings.max_body_bytes:
        if len(kept) == 1:
            raise TooLargeError(f"{len(body)} bytes; the receiver takes {settings.max_body_bytes}")
        kept = kept[: len(kept) // 2]
    return Rendered(body, "application/json")


def escape_mrkdwn(text: str) -> str:
    """The text in mark-up, with nothing in it that Slack would act on."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub(f"@{_WORD_JOINER}", escaped)


def _message(notification: Notification, kept: list[dict[str, Any]], omitted: int) -> bytes:
    end = [_plain(f"{omitted} parts of this message were left out: it would have been too long.")] if omitted else []
    text = escape_mrkdwn(cut(headline(notification), _MAX_FALLBACK_CHARS))
    return msgspec.json.encode({"text": text, "blocks": [*kept, *end], "unfurl_links": False, "unfurl_media": False})


def _blocks(notification: Notification) -> Iterator[dict[str, Any]]:
    state = "Resolved" if is_over(notification) else notification.occasion.value.capitalize()
    title = cut(f"{state}: {headline(notification)}", MAX_HEADER_CHARS)
    yield {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    for incident in notification.incidents:
        yield from _incident_blocks(incident)
    if notification.omitted_count:
        yield _plain(f"and {notification.omitted_count} more incidents")


def _incident_blocks(incident: Incident) -> Iterator[dict[str, Any]]:
    yield _plain(f"{incident.title}\n\n{incident.summary}")
    yield _plain(
        f"Cause: {cause_line(incident.cause)}\nSeverity: {incident.severity}\nStatus: {incident.status}\n"
        f"Cluster: {incident.cluster or 'not known'}"
    )
    if incident.status == "open":
        for evidence in incident.evidence[:_MAX_SHOWN_EVIDENCE]:
            yield _plain(evidence.text)
        if incident.remediation:
            yield _plain("\n".join(f"- {each.step}" for each in incident.remediation[:_MAX_SHOWN_STEPS]))
    if url := incident.runbook_url:
        yield _plain(f"Read more: {url}")


def _plain(text: str) -> dict[str, Any]:
    content = {"type": "plain_text", "text": cut(text, MAX_TEXT_CHARS) or "-", "emoji": False}
    return {"type": "section", "text": content}
