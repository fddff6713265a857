"""A failure whose text no rule knows: kept whole, blamed on nobody."""

from __future__ import annotations

from parsers.events import Failure
from parsers.failure_links import cap_middle
from parsers.redaction import redact

MAX_CHARS = 2_000


def unknown_failure(text: str) -> Failure:
    """The text as a failure of class unknown."""
    shown = cap_middle(redact(text), MAX_CHARS)
    return Failure(failure_class="unknown", rule="", text=shown, chain=(cap_middle(shown, 300),))
