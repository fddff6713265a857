"""Which sender a receiver needs, and whether its files can be used."""

from __future__ import annotations

from pipeline.delivery.formats.settings import FormatName
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.apprise_sender import AppriseSender
from pipeline.delivery.sending.credentials import read_credentials
from pipeline.delivery.sending.mail import MailSender
from pipeline.delivery.sending.sender import Sender
from pipeline.delivery.sending.tls import create_client_context
from pipeline.delivery.sending.webhook import WebhookSender
from pipeline.errors import ConfigurationError
from pipeline.secret import read_secret


def create_sender(settings: ReceiverSettings, version: str) -> Sender:
    """The sender of a receiver.

    Args:
        settings: Of the receiver.
        version: Of whystuck.

    Raises:
        ConfigurationError: The extra that it needs is not installed.
    """
    if settings.format is FormatName.EMAIL:
        return MailSender(settings)
    if settings.format is FormatName.APPRISE:
        return AppriseSender(settings)
    return WebhookSender(settings, version)


def check_receiver(settings: ReceiverSettings) -> None:
    """Read every file that the receiver's settings name, as an attempt would, and connect to nothing.

    Raises:
        ConfigurationError: One cannot be used. It names the receiver.
    """
    try:
        create_client_context(settings)
        if settings.format is FormatName.EMAIL:
            read_secret("mail_password", None, settings.mail_password_file)
        elif settings.format is FormatName.APPRISE:
            AppriseSender(settings)
            read_secret("url", settings.url, settings.url_file)
        else:
            read_credentials(settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"receiver {settings.name}: {error}") from error
