"""Texts of servers, plug-ins and the client, made fit for an error: one line, cut, without secrets."""

from __future__ import annotations

import re
from typing import Final

from pipeline.secret import hide_secrets

MAX_CHARS: Final = 600
_STRUCTURE: Final = re.compile(r"\{.*\}|\{.*", re.DOTALL)
"""Parts of a kubeconfig or of an answer, printed as they are."""


def safe_text(error: Exception | str) -> str:
    """What went wrong; the name of the error where it says nothing."""
    text = " ".join(_STRUCTURE.sub("{…}", str(error)).split())
    return hide_secrets(text)[:MAX_CHARS] or type(error).__name__
