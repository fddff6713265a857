"""What is over for long is forgotten and deleted.

As far as the sources have told the story: after an outage of a week, that is a week ago. Our clock alone never decides:
one that jumped into the future would delete everything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.pace import FORGET_EVERY_SECONDS, RETAIN_EVERY_SECONDS, Pace
from pipeline.daemon.told import Told
from pipeline.own_log.loggers import get_logger
from pipeline.store.store import SqlStore
from pipeline.watch_settings import WatchSettings

_log = get_logger("daemon")

DELETED_AT_ONCE = 500
"""Rows in one transaction: no batch waits long for it."""


class Upkeep:
    """Keeps state and store from growing over months."""

    def __init__(
        self,
        settings: WatchSettings,
        store: SqlStore,
        ingestion: Ingestion,
        told: Told,
        pace: Pace,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._store = store
        self._ingestion = ingestion
        self._told = told
        self._pace = pace
        self._now = now

    def tidy(self, epoch: int) -> None:
        """Do what is due, under an epoch of the claim."""
        if self._pace.is_due("forget", FORGET_EVERY_SECONDS) and (until := self._told.until(self._now())):
            self._ingestion.forget(until - timedelta(seconds=self._settings.forget_seconds))
        if self._pace.is_due("retain", RETAIN_EVERY_SECONDS) and (until := self._told.until(self._now())):
            self._delete_before(until - timedelta(seconds=self._store.database.settings.retention_seconds), epoch)

    def _delete_before(self, before: datetime, epoch: int) -> None:
        deleted = self._store.delete_expired(before, epoch, limit=DELETED_AT_ONCE)
        if deleted:
            _log.info("incidents.expired", rows=deleted, before=before.isoformat())
        if deleted >= DELETED_AT_ONCE:
            self._pace.again("retain")
