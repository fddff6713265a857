"""E-mail: text and HTML in one message, as it goes to the mail server. Source: RFC 5322, RFC 2046, RFC 3834."""

from __future__ import annotations

import html
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from pipeline.delivery.formats.fitting import TooLargeError
from pipeline.delivery.formats.rendered import Rendered
from pipeline.delivery.formats.settings import FormatSettings
from pipeline.delivery.formats.wording import cause_line, cut, headline, is_over
from pipeline.delivery.notification import Notification
from pipeline.engine.incidents import Incident

_MAX_SUBJECT_CHARS = 200
_LINES_PER_INCIDENT = 40


def render_email(notification: Notification, settings: FormatSettings) -> Rendered:
    """One message, the same bytes every time; `Message-ID` is made of the notification's id.

    Raises:
        TooLargeError: The first lines alone are larger than the receiver takes.
    """
    lines = list(text_lines(notification))
    kept = lines
    while len(body := _message(notification, settings, kept, len(lines) - len(kept))) > settings.max_body_bytes:
        if len(kept) <= 1:
            raise TooLargeError(f"{len(body)} bytes; the receiver takes {settings.max_body_bytes}")
        kept = kept[: len(kept) // 2]
    return Rendered(body, "message/rfc822")


def _message(notification: Notification, settings: FormatSettings, kept: list[str], omitted: int) -> bytes:
    end = [f"{omitted} lines were left out: the message would have been too large."] if omitted else []
    text = "\n".join([*kept, *end]) + "\n"
    state = "resolved" if is_over(notification) else notification.occasion.value
    message = EmailMessage(policy=SMTP)
    message["Subject"] = cut(" ".join(f"[whystuck] {state}: {headline(notification)}".split()), _MAX_SUBJECT_CHARS)
    message["From"] = settings.mail_from
    message["To"] = ", ".join(settings.mail_to)
    message["Date"] = format_datetime(notification.at)
    message["Message-ID"] = f"<{notification.id}@whystuck.invalid>"
    message["References"] = f"<{notification.group}@whystuck.invalid>"  # one thread for what is told together
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(
        f"<html><body><pre>{html.escape(text)}</pre></body></html>\n", subtype="html", cte="quoted-printable"
    )
    message.set_boundary(f"=_{notification.id}")
    return message.as_bytes()


def text_lines(notification: Notification) -> Iterator[str]:
    """All of it as plain text, the headline first."""
    yield headline(notification)
    for incident in notification.incidents:
        yield ""
        yield from _incident_lines(incident)
    if notification.omitted_count:
        yield f"and {notification.omitted_count} more incidents"


def _incident_lines(incident: Incident) -> Iterator[str]:
    yield incident.title
    yield from incident.summary.splitlines()
    yield f"Cause: {cause_line(incident.cause)}"
    yield f"Severity: {incident.severity}, status: {incident.status}, cluster: {incident.cluster or 'not known'}"
    yield from (f"Evidence: {each.text}" for each in incident.evidence[:_LINES_PER_INCIDENT])
    yield from (f"To do: {each.step}" for each in incident.remediation[:_LINES_PER_INCIDENT])
    if url := incident.runbook_url:
        yield f"Read more: {url}"
