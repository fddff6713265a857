"""Security settings as the client library wants them."""

from __future__ import annotations

import ssl
from typing import Any

from kafka.net.sasl.oauth import AbstractTokenProvider

from pipeline.errors import ConfigurationError
from pipeline.secret import HIDDEN, Secret, read_secret
from pipeline.sources.kafka.settings import KafkaSecurity, Mechanism


class HiddenText(str):
    """A secret that the library may send; it logs its whole configuration at level debug."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # the library has no types
    """Gives the token that is in a file now: whoever renews it writes it there."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def token(self) -> str:
        """The token. Raises ConfigurationError: there is none."""
        secret = read_secret("kafka security.token", None, self._path)
        return "" if secret is None else HiddenText(secret.reveal())


def login_arguments(security: KafkaSecurity) -> dict[str, Any]:
    """Arguments of every client.

    Raises:
        ConfigurationError: A file cannot be read, or does not hold what it should.
    """
    arguments: dict[str, Any] = {"security_protocol": security.protocol.value}
    if security.protocol.is_encrypted:
        arguments["ssl_context"] = _tls_context(security)
    if security.protocol.is_authenticated:
        arguments["sasl_mechanism"] = security.mechanism.value
        arguments |= _credentials(security)
    return arguments


def _credentials(security: KafkaSecurity) -> dict[str, Any]:
    if security.mechanism is Mechanism.OAUTHBEARER:
        provider = TokenFile(security.token_file or "")
        provider.token()  # a token that cannot be read should be told of now, not as a broker's refusal
        return {"sasl_oauth_token_provider": provider}
    password = read_secret("kafka security.password", security.password, security.password_file)
    shown = "" if password is None else HiddenText(password.reveal())
    return {"sasl_plain_username": security.username, "sasl_plain_password": shown}


def _tls_context(security: KafkaSecurity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = security.check_hostname
    try:
        if security.ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(security.ca_file)
    except (OSError, ssl.SSLError) as error:
        problem = f"kafka security.ca_file: {security.ca_file} cannot be used: {_reason(error)}"
        raise ConfigurationError(f"{problem}; expected certificates in PEM form") from error
    if security.certificate_file is not None:
        password = read_secret("kafka security.key_password", security.key_password, security.key_password_file)
        _load_certificate(context, security, password)
    return context


def _load_certificate(context: ssl.SSLContext, security: KafkaSecurity, password: Secret | None) -> None:
    # An empty password rather than none: with none, OpenSSL would ask on the terminal and wait for ever.
    text = "" if password is None else password.reveal()
    try:
        context.load_cert_chain(str(security.certificate_file), security.key_file, text)
    except (OSError, ssl.SSLError, ValueError) as error:
        files = (
            security.certificate_file
            if security.key_file is None
            else f"{security.certificate_file} and {security.key_file}"
        )
        problem = f"kafka security: certificate_file and key_file: {files} cannot be used: {_reason(error)}"
        raise ConfigurationError(f"{problem}; is key_password right?") from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())
