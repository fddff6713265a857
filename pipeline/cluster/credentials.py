"""Who one is, renewed in time; what renews it may fail or hang, and calls need not wait for it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.cluster.library_log import listening
from pipeline.cluster.safe_text import safe_text

if TYPE_CHECKING:
    from kubernetes.client import Configuration

ASK_AGAIN_SECONDS: Final = 10.0
"""After a plug-in that gave nothing. What it gave before is used meanwhile: it is asked five minutes before its end."""
LONGEST_SECONDS: Final = 300.0
"""That a plug-in may take where requests have no limit."""
_RUNNER: Final = Path(__file__).with_name("plugin_deadline.py")


def with_deadline(plugin: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    """The `exec` entry of a kubeconfig's user, so that the plug-in is killed where it does not end in time.

    Args:
        plugin: as it stands in the kubeconfig.
        seconds: that it may take; None: `LONGEST_SECONDS`.
    """
    command = plugin.get("command")
    if not command or not sys.executable or sys.platform == "win32":
        return dict(plugin)
    arguments = ["-I", str(_RUNNER), f"{seconds or LONGEST_SECONDS:g}", command, *(plugin.get("args") or ())]
    return {**plugin, "command": sys.executable, "args": arguments}


def token_of(configuration: Configuration, *, is_renewed: bool = True) -> str | None:
    """The header that says who one is; clients before 37 have another name for it.

    Args:
        configuration: of the client.
        is_renewed: first renew it where its time is over, which may take as long as a plug-in.
    """
    name = next((name for name in ("BearerToken", "authorization") if name in configuration.api_key), None)
    if name is None:
        return None
    return configuration.get_api_key_with_prefix(name) if is_renewed else configuration.api_key.get(name)


class Credentials:
    """Of one client. Safe to use from any thread."""

    def __init__(self, giver: str) -> None:
        """`giver`: who renews them, for messages; empty: nobody."""
        self.problem = ""  # why they were not renewed; empty: they were, or need not be
        self._giver = giver
        self._lock = threading.Lock()
        self._ask_again_at = 0.0

    def token(self, configuration: Configuration) -> str | None:
        """The header that says who one is. One thread renews it; others take what is there meanwhile.

        Raises:
            ConfigException: of the client, which an OIDC provider may cause.
        """
        if time.monotonic() < self._ask_again_at or not self._lock.acquire(blocking=False):
            return token_of(configuration, is_renewed=False)
        try:
            said: list[str] = []
            with listening(said):
                token = token_of(configuration)
            self.problem = f"{self._giver} gave no credentials: {safe_text('; '.join(said))}" if said else ""
            if said:
                self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
            return token
        finally:
            self._lock.release()
