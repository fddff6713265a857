"""Which controllers are not heard, as far as the daemon can tell: it has to have listened itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.pump import Pump
from pipeline.daemon.told import is_live
from pipeline.engine.hearing import Listened, Listening
from pipeline.sources.live import SourceStatus
from pipeline.watch_settings import WatchSettings

MAX_LISTENED_SECONDS = 5.0
"""At once: a process that was stopped for longer has not listened."""


class Ear:
    """Tells the engine how long each source was listened to, and how."""

    def __init__(
        self,
        settings: WatchSettings,
        pumps: Mapping[str, Pump],
        ingestion: Ingestion,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._pumps = pumps
        self._ingestion = ingestion
        self._now = now
        self._monotonic = monotonic
        self._listened_at: float | None = None

    def deafen(self) -> None:
        """What goes on until the next `listen` is not heard."""
        self._listened_at = None

    def listen(self) -> None:
        """Tell of the time since the last one."""
        began_at, self._listened_at = self._listened_at, self._monotonic()
        if not self._settings.silence_seconds or began_at is None:
            return
        seconds = min(self._listened_at - began_at, MAX_LISTENED_SECONDS)
        now = self._now()
        for name, pump in self._pumps.items():
            self._ingestion.listen(self._listened(name, pump.status(), seconds, now))

    def _listened(self, name: str, status: SourceStatus, seconds: float, now: datetime) -> Listened:
        how = Listening.CAUGHT_UP if is_live(status) and not status.is_refused else Listening.BEHIND
        return Listened(
            source=name,
            how=how if status.is_connected else Listening.AWAY,
            seconds=seconds,
            until=now,
            silent_after_seconds=self._settings.silence_seconds,
            oldest_at=now - timedelta(seconds=self._settings.notify_max_age_seconds),
            problem="" if status.is_connected else status.problem,
        )
