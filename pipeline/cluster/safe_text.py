"""Texts of servers, plug-ins and the client, made fit for an error: one line, cut, without secrets."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from pipeline.secret import hide_secrets

MAX_CHARS: Final = 600
_STRUCTURE: Final = re.compile(r"\{.*\}|\{.*", re.DOTALL)
"""Parts of a kubeconfig or of an answer, printed as they are."""

_OF_CLIENT: Final = re.compile(r"^HTTPS?Connection(?:Pool)?\(host='[^']*', port=\d+\): | ?\(_ssl\.c:\d+\)")
"""What says something to those only who write HTTP clients."""
_OTHER_AUTHORITY: Final = re.compile(r"local issuer certificate|self.signed certificate|signature failure")


def unreachable_text(url: str, error: Exception) -> str:
    """Which server gave no answer, and why; what to look at, where that is plain."""
    server, text = urlsplit(url).netloc.rpartition("@")[2], _OF_CLIENT.sub("", safe_text(error))
    if "Connection refused" in text:
        text += "; is that its address?"
    elif _OTHER_AUTHORITY.search(text):
        text += "; is the certificate-authority of the kubeconfig that of this cluster?"
    return f"no answer of {server}: {text}"


def safe_text(error: Exception | str) -> str:
    """What went wrong; the name of the error where it says nothing."""
    text = " ".join(_STRUCTURE.sub("{…}", str(error)).split())
    return hide_secrets(text)[:MAX_CHARS] or type(error).__name__
