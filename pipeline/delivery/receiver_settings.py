"""A receiver."""

from __future__ import annotations

import msgspec

from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.secret import Secret


class ReceiverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One receiver."""

    name: str
    format: FormatName = FormatName.NATIVE
    url: Secret | None = None
    url_file: str | None = None
    send_resolved: bool = True
    send_acknowledged: bool | None = None
    reminder_seconds: float = 14_400.0

    def format_settings(self) -> FormatSettings:
        """How it is told."""
        return FormatSettings(format=self.format)

    @property
    def tells_acknowledged(self) -> bool:
        """Whether it is told that somebody has acknowledged."""
        return self.format is FormatName.PAGERDUTY if self.send_acknowledged is None else self.send_acknowledged

    @property
    def reminds_after_seconds(self) -> float | None:
        """How often it is reminded; None: never."""
        return self.reminder_seconds or None
