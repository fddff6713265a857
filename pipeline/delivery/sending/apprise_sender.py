"""One message through Apprise, which knows chats, SMS and push services. An extra: `whystuck[apprise]`.

Apprise connects by itself: which addresses it connects to is not checked, and a stop does not end its request.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from types import ModuleType

import msgspec

from pipeline.delivery.formats.apprise import AppriseMessage
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.cutting import CutOffError, Cutter
from pipeline.delivery.sending.faults import outcome_of_cut, outcome_of_fault
from pipeline.delivery.sending.outbox import OutgoingMessage
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from pipeline.errors import ConfigurationError
from pipeline.secret import Secret, read_secret


class AppriseSender:
    """Sends to what one URL of Apprise stands for."""

    def __init__(self, settings: ReceiverSettings) -> None:
        """Set up the sender.

        Raises:
            ConfigurationError: The extra is not installed.
        """
        self._settings = settings
        self._apprise = _load_apprise(settings.name)
        self._cutter = Cutter()

    def send(self, message: OutgoingMessage, at: datetime) -> Outcome:
        """Make one attempt."""
        began = time.monotonic()
        try:
            outcome = self._attempt(message)
        except CutOffError:
            assert self._cutter.why is not None
            outcome = outcome_of_cut(self._cutter.why)
        except ConfigurationError as error:
            outcome = outcome_of_fault(error)
        return msgspec.structs.replace(outcome, took_seconds=time.monotonic() - began)

    def stop(self) -> None:
        """Wait for no attempt that goes on, and make no other."""
        self._cutter.stop()

    def close(self) -> None:
        """Nothing is kept."""

    def _attempt(self, message: OutgoingMessage) -> Outcome:
        url = read_secret("url", self._settings.url, self._settings.url_file)
        assert url is not None  # the settings were checked
        told = msgspec.json.decode(message.body, type=AppriseMessage)
        with self._cutter.limited(self._settings.total_seconds):
            is_sent = self._cutter.wait_for(lambda: self._notify(url, told), too_late=lambda _: None)
        if is_sent:
            return Outcome(Verdict.DELIVERED, OutcomeReason.ACCEPTED)
        return Outcome(Verdict.RETRY, OutcomeReason.SERVER_ERROR, detail="Apprise could not send it; it says no more")

    def _notify(self, url: Secret, told: AppriseMessage) -> bool:
        service = self._apprise.Apprise()
        if not service.add(url.reveal()):
            raise ConfigurationError("url: Apprise knows no such service, or a part of the address is missing")
        return bool(service.notify(title=told.title, body=told.body, notify_type=told.type, body_format="text"))


def _load_apprise(receiver: str) -> ModuleType:
    try:
        import apprise
    except ImportError as error:
        raise ConfigurationError(
            f"receiver {receiver}: the format apprise needs an extra: pip install 'whystuck[apprise]'"
        ) from error
    logging.getLogger("apprise").disabled = True  # it writes addresses with their secrets
    return apprise
