"""Keeps the claim on writing while the pipeline works, from a thread of its own: a long batch must not lose it."""

from __future__ import annotations

import threading
from typing import Protocol

from pipeline.errors import ClaimLostError, StoreError
from pipeline.own_log.loggers import get_logger
from pipeline.store.records import Claim

_log = get_logger("claim")


class Renewing(Protocol):
    """What of the store this needs."""

    def renew(self, epoch: int, lease_seconds: float) -> Claim:
        """Stay the writer."""
        ...


class ClaimKeeper:
    """Renews a claim three times in its lease, from `start` to `stop`."""

    def __init__(self, store: Renewing, epoch: int, lease_seconds: float) -> None:
        self._is_lost = False  # somebody else has it
        self._store = store
        self._epoch = epoch
        self._lease_seconds = lease_seconds
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="claim", daemon=True)

    def start(self) -> None:
        """Renew from now on."""
        self._thread.start()

    def check(self) -> None:
        """Go on only while nobody else is known to have the claim.

        Raises:
            ClaimLostError: Somebody has.
        """
        if self._is_lost:
            raise ClaimLostError("the claim was taken over")

    def stop(self) -> None:
        """Renew no longer; the claim lapses, unless it is released."""
        self._is_stopping.set()
        self._thread.join(self._lease_seconds)

    def _run(self) -> None:
        while not self._is_stopping.wait(self._lease_seconds / 3):
            try:
                self._store.renew(self._epoch, self._lease_seconds)
            except ClaimLostError:
                self._is_lost = True
                return
            except StoreError as error:  # the next commit decides what becomes of it
                _log.warning("claim.not_renewed", problem=str(error))
