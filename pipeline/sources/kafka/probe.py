"""Finds out why brokers do not let one in.

The client library says "Unable to bootstrap" whatever the reason is, after all of its time; and the broker's refusal
of a password never gets through to it, since it drops what came just before a connection was closed. So, before it is
used, one connection is made by hand: name, port, TLS, mechanism, credentials, in the steps and messages of the protocol
(https://kafka.apache.org/protocol, ApiVersions v0, SaslHandshake v1, SaslAuthenticate v0).
"""

from __future__ import annotations

import contextlib
import enum
import socket
import ssl
import struct
from typing import Any

import msgspec
from kafka.net.sasl import get_sasl_mechanism

from parsers.text import scrub
from pipeline.sources.kafka.settings import KafkaSecurity, Mechanism

STEP_SECONDS = 3.0
MAX_ANSWER_BYTES = 1_048_576
MAX_ROUNDS = 8
_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 18, 17, 36
_UNSUPPORTED_MECHANISM = 33


class Refusal(msgspec.Struct, frozen=True):
    """Why a broker cannot be used."""

    reason: str  # a sentence without secrets
    is_final: bool  # waiting does not help: the configuration is wrong, here or there


class _Step(enum.Enum):
    CONNECT = "connect"
    TLS = "TLS"
    GREET = "greet"
    LOG_IN = "log in"


class _RefusedError(Exception):
    """The broker said no, in words."""


def probe(address: str, security: KafkaSecurity, arguments: dict[str, Any]) -> Refusal | None:
    """Try to be let in by one broker; None: it works.

    Args:
        address: host:port.
        security: how.
        arguments: the same, as the client library is given it.
    """
    host, port = split_address(address)
    step = _Step.CONNECT
    try:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.create_connection((host, port), STEP_SECONDS))
            if security.protocol.is_encrypted:
                step = _Step.TLS
                connection = stack.enter_context(_encrypt(connection, host, arguments))
            step = _Step.GREET
            _ask(connection, _API_VERSIONS, 0, b"")
            if security.protocol.is_authenticated:
                step = _Step.LOG_IN
                _log_in(connection, host, arguments)
    except _RefusedError as error:
        return Refusal(str(error), is_final=True)
    except (OSError, ValueError) as error:
        return _explain(address, step, error, security)
    return None


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[address]:port` or `host` (port 9092)."""
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit():
        return address.strip("[]"), 9092
    return host.strip("[]"), int(port)


def _encrypt(plain: socket.socket, host: str, arguments: dict[str, Any]) -> socket.socket:
    context: ssl.SSLContext = arguments["ssl_context"]
    return context.wrap_socket(plain, server_hostname=host.rstrip("."))


def _log_in(connection: socket.socket, host: str, arguments: dict[str, Any]) -> None:
    name = arguments["sasl_mechanism"]
    answer = _ask(connection, _SASL_HANDSHAKE, 1, _text(name))
    (code, count), rest = struct.unpack_from(">hi", answer), answer[6:]
    if code == _UNSUPPORTED_MECHANISM:
        enabled = ", ".join(_read_texts(rest, count)) or "none"
        raise _RefusedError(
            f"the broker does not offer the mechanism {name}; it offers: {enabled}; set security.mechanism"
        )
    mechanism = get_sasl_mechanism(name)(host=host, **arguments)
    for _ in range(MAX_ROUNDS):
        if mechanism.is_done():
            return
        token = mechanism.auth_bytes()
        answer = _ask(connection, _SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
        (code, length) = struct.unpack_from(">hh", answer)
        if code != 0:
            said = scrub(answer[4 : 4 + max(0, length)].decode("utf-8", "replace"))
            raise _RefusedError(f"{_who(arguments)} was refused: {said or f'error {code}'}")
        start = 4 + max(0, length)
        (size,) = struct.unpack_from(">i", answer, start)
        mechanism.receive(answer[start + 4 : start + 4 + max(0, size)])
    raise _RefusedError(f"{_who(arguments)} was refused: the exchange does not end")


def _who(arguments: dict[str, Any]) -> str:
    name = arguments["sasl_mechanism"]
    if name == Mechanism.OAUTHBEARER.value:
        return "the token of security.token_file (OAUTHBEARER)"
    return f"user {arguments['sasl_plain_username']} ({name})"


def _ask(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """Send a request of the protocol and give its answer's body."""
    request = struct.pack(">hhi", key, version, 1) + _text("whystuck") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _receive(connection, 4))
    if not 4 <= size <= MAX_ANSWER_BYTES:
        raise ValueError(f"an answer of {size} bytes")
    return _receive(connection, size)[4:]


def _receive(connection: socket.socket, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0:
        piece = connection.recv(min(size, 65_536))
        if not piece:
            raise ConnectionResetError("the connection was closed")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">h", len(raw)) + raw


def _read_texts(raw: bytes, count: int) -> list[str]:
    texts = []
    for _ in range(count):
        (length,) = struct.unpack_from(">h", raw)
        texts.append(scrub(raw[2 : 2 + length].decode("utf-8", "replace")))
        raw = raw[2 + length :]
    return texts


def _explain(address: str, step: _Step, error: Exception, security: KafkaSecurity) -> Refusal:
    """What an error in a step means for somebody who has to repair it."""
    why = " ".join(str(error).split()) or type(error).__name__
    match error:
        case socket.gaierror():
            return Refusal(f"{address}: the name is not known ({error.strerror})", is_final=False)
        case ssl.SSLCertVerificationError():
            reason = (
                f"{address}: the broker's certificate is not accepted: {error.verify_message}; set security.ca_file"
            )
            return Refusal(reason, is_final=True)
        case ssl.SSLError() if step is not _Step.TLS:  # TLS 1.3: refused after the handshake
            return Refusal(
                f"{address}: the broker does not accept our certificate ({error.reason}); {_CERTIFICATE}", is_final=True
            )
        case ssl.SSLError() if "ALERT" in (error.reason or ""):
            return Refusal(f"{address}: the broker refuses TLS ({error.reason}); {_CERTIFICATE}", is_final=True)
        case ssl.SSLError():
            return Refusal(
                f"{address}: no TLS is spoken there ({error.reason}); check port and security.protocol", is_final=True
            )
        case ConnectionRefusedError():
            return Refusal(f"{address}: nothing listens there (connection refused)", is_final=False)
        case TimeoutError() if step is _Step.CONNECT:
            return Refusal(f"{address}: no answer within {STEP_SECONDS:g} s; is a firewall between?", is_final=False)
        case ConnectionError() | TimeoutError() | ValueError() if step is _Step.GREET:
            return Refusal(f"{address}: {why}; {_wrong_protocol(security)}", is_final=False)
    return Refusal(f"{address}: {step.value}: {why}", is_final=False)


_CERTIFICATE = "does it ask for a client's certificate? Set security.certificate_file"


def _wrong_protocol(security: KafkaSecurity) -> str:
    if security.protocol.is_encrypted:
        return "is it a Kafka broker?"
    return f"does it expect TLS? security.protocol is {security.protocol.value}"
