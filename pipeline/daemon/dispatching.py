"""Sends what was planned while this process has the claim: threads of receivers, with connections of their own."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.observer import SendingObserver
from pipeline.delivery.sending.outbox import StoredOutbox
from pipeline.delivery.sending.receivers import Receivers
from pipeline.delivery.sending.sender import Sender
from pipeline.delivery.settings import DeliverySettings
from pipeline.own_log.loggers import get_logger
from pipeline.store.connections import Database
from pipeline.store.deliveries import DeliveryQueue
from pipeline.store.settings import StoreSettings

_log = get_logger("delivery")

STOP_SECONDS = 5.0
"""For attempts that were begun; what is cut off is sent again, under the same id."""


class ReceiverDispatch:
    """Used by the pipeline's thread."""

    def __init__(
        self,
        settings: DeliverySettings,
        store: StoreSettings,
        create_sender: Callable[[ReceiverSettings], Sender],
        observer: SendingObserver,
    ) -> None:
        self._settings = settings
        self._store = store
        self._create_sender = create_sender
        self._observer = observer
        self._running: tuple[Receivers, Database] | None = None

    def start(self, epoch: int) -> None:
        """Begin to send under an epoch of the claim.

        Raises:
            ConfigurationError: A receiver needs an extra that is not installed.
        """
        database = Database(self._store)
        outbox = StoredOutbox(DeliveryQueue(database, epoch))
        receivers = Receivers(outbox, self._create_sender, self._observer, _claim_lost)
        self._running = receivers, database
        receivers.start(self._settings.receivers)

    def change(self, settings: DeliverySettings) -> None:
        """Go on with other settings: receivers that are as before are not disturbed.

        Raises:
            ConfigurationError: A receiver needs an extra that is not installed; nothing was changed.
        """
        if self._running is not None:
            self._running[0].reload(settings.receivers)
        self._settings = settings

    def notify(self) -> None:
        """There is something new."""
        if self._running is not None:
            self._running[0].notify()

    def stop(self) -> None:
        """End within seconds."""
        if self._running is None:
            return
        receivers, database = self._running
        self._running = None
        if not receivers.stop(STOP_SECONDS):
            _log.warning("receivers.not_ended", seconds=STOP_SECONDS)
        database.close()


def _claim_lost() -> None:
    """The keeper of the claim notices it too, and ends the lead."""
    _log.warning("delivery.claim_lost")
