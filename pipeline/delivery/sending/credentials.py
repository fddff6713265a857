"""What a receiver is trusted with, read anew for each attempt: a secret that was changed needs no restart."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.delivery.receiver_rules import PROXY_SCHEMES, WEB_SCHEMES
from pipeline.delivery.receiver_settings import PAGERDUTY_URL, ReceiverSettings
from pipeline.delivery.sending.signing import read_signing_secrets
from pipeline.delivery.target import Target, parse_target
from pipeline.errors import ConfigurationError
from pipeline.secret import Secret, read_secret


class Credentials(msgspec.Struct, frozen=True):
    """Addresses and secrets of one attempt at a web receiver."""

    target: Target
    proxy: Target | None
    signing_secrets: tuple[Secret, ...]
    bearer_token: Secret | None
    routing_key: Secret | None
    headers: tuple[tuple[str, Secret], ...]

    def secrets(self) -> Iterator[str]:
        """All that must not be shown, should the receiver say it again."""
        for target in (self.target, self.proxy):
            if target is not None:
                yield from (each for each in (target.url, target.path, target.user, target.password) if each)
        for secret in (*self.signing_secrets, self.bearer_token, self.routing_key):
            if secret is not None:
                yield secret.reveal()
        yield from (value.reveal() for _, value in self.headers)


def read_credentials(settings: ReceiverSettings) -> Credentials:
    """What is in force now.

    Raises:
        ConfigurationError: A file cannot be read, or holds something else. No secret is in it.
    """
    proxy = read_secret("proxy", settings.proxy, settings.proxy_file)
    signing_file = settings.signing_secrets_file
    return Credentials(
        target=read_target(settings),
        proxy=None if proxy is None else _parse("proxy", proxy, PROXY_SCHEMES),
        signing_secrets=read_signing_secrets("signing_secrets_file", signing_file) if signing_file else (),
        bearer_token=_header_value("bearer_token", None, settings.bearer_token_file),
        routing_key=read_secret("routing_key", None, settings.routing_key_file),
        headers=tuple(_headers(settings)),
    )


def read_target(settings: ReceiverSettings) -> Target:
    """Where a web receiver is.

    Raises:
        ConfigurationError: The file cannot be read, or holds no address.
    """
    url = read_secret("url", settings.url, settings.url_file)
    return _parse("url", Secret(PAGERDUTY_URL) if url is None else url, WEB_SCHEMES)


def _parse(setting: str, url: Secret, schemes: tuple[str, ...]) -> Target:
    try:
        return parse_target(url.reveal(), schemes)
    except ValueError as error:
        raise ConfigurationError(f"{setting}: {error}") from None  # without the cause: it may show the address


def _headers(settings: ReceiverSettings) -> Iterator[tuple[str, Secret]]:
    for header in settings.headers:
        given = None if header.value is None else Secret(header.value)
        value = _header_value(f"headers: {header.name}: value", given, header.value_file)
        if value is not None:
            yield header.name, value


def _header_value(setting: str, value: Secret | None, file: str | None) -> Secret | None:
    secret = read_secret(setting, value, file)
    if secret is not None and not secret.reveal().isascii():
        raise ConfigurationError(f"{setting}: expected printable ASCII characters: it is sent as a header")
    return secret
