"""TLS as receivers and mail servers get it: always verified, from version 1.2 on."""

from __future__ import annotations

import ssl
from pathlib import Path

from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.errors import ConfigurationError


def create_client_context(settings: ReceiverSettings) -> ssl.SSLContext:
    """What TLS connections to the receiver are made with.

    Raises:
        ConfigurationError: A file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"ca_file: {settings.ca_file} cannot be used: {_reason(error)}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate_file is not None and settings.key_file is not None:
        try:
            # A password would be asked for on a terminal that nobody sits at.
            context.load_cert_chain(settings.certificate_file, settings.key_file, password=_refuse)
        except (OSError, ValueError) as error:
            files = f"{settings.certificate_file} with key_file {settings.key_file}"
            raise ConfigurationError(f"certificate_file: {files} cannot be used: {_reason(error)}") from error
    return context


def versions_of_files(settings: ReceiverSettings) -> tuple[object, ...]:
    """Changes when one of the files does that `create_client_context` reads."""
    files = (settings.ca_file, settings.certificate_file, settings.key_file)
    return tuple(None if file is None else _version_of(Path(file)) for file in files)


def _version_of(file: Path) -> object:
    try:
        facts = file.stat()
    except OSError:
        return None  # it is missed when the connection is made anew
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _refuse() -> str:
    raise ValueError("the key has a password; write it without one")


def _reason(error: OSError | ValueError) -> str:
    """Without the path, which stands in the message already."""
    return (getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)) or type(error).__name__
