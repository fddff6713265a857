"""What several forms say in the same words."""

from __future__ import annotations

from pipeline.delivery.notification import Notification, Occasion
from pipeline.engine.incidents import CauseFacts, Severity

_BY_SEVERITY: tuple[Severity, ...] = ("critical", "warning", "info")


def is_over(notification: Notification) -> bool:
    """Whether nothing of what is told is open any more."""
    if notification.occasion is Occasion.TEST:
        return False
    if notification.omitted_count and notification.occasion is not Occasion.RESOLVED:
        return False  # what is not shown may be open
    return all(each.status != "open" for each in notification.incidents)


def worst_severity(notification: Notification) -> Severity:
    """Of the incidents that are told."""
    return min((each.severity for each in notification.incidents), key=_BY_SEVERITY.index)


def headline(notification: Notification) -> str:
    """One line: what it is about."""
    count = len(notification.incidents) + notification.omitted_count
    title = notification.incidents[0].title
    return title if count == 1 else f"{count} incidents: {title}"


def cause_line(cause: CauseFacts) -> str:
    """The cause in one line; where it is not established, that it is not."""
    if not cause.established:
        return "cause not established"
    culprit = cause.culprit
    if culprit is None:
        return cause.failure_class
    name = "/".join(part for part in (culprit.namespace, culprit.name or culprit.host) if part)
    return f"{cause.failure_class}: {culprit.kind} {name}".rstrip()


def cut(text: str, limit: int) -> str:
    """The text in at most so many characters, and a mark where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
