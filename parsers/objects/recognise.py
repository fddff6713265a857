"""Tells by the beginning of a file whether it holds Kubernetes objects rather than a log."""

from __future__ import annotations

from parsers.documents import is_kubernetes_object
from parsers.objects.event_text import is_event_text
from parsers.objects.exports import is_export


def holds_objects(head: bytes) -> bool:
    """Whether a file that begins with `head` (UTF-8) is one of objects."""
    return is_kubernetes_object(head) or is_event_text(head) or is_export(head)
