"""Signatures by the Standard Webhooks specification, with one secret or, while it is being changed, with two.

The file holds one secret a line. To change it: write the new one above the old one, give it to the receiver, take the
old one out. A receiver that knows either finds its signature at any time.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from pathlib import Path

from standardwebhooks import Webhook

from pipeline.errors import ConfigurationError
from pipeline.secret import MAX_SECRET_BYTES, Secret

MAX_LIVE_SECRETS = 2

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)  # what the specification asks for


def read_signing_secrets(setting: str, file: str) -> tuple[Secret, ...]:
    """The secrets in the file, the first line first.

    Raises:
        ConfigurationError: The file cannot be read, or holds anything but one or two secrets. No secret is in it.
    """
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise _unusable(setting, file, f"cannot be read: {error.strerror or error}") from error
    lines = [line.strip() for line in raw.splitlines() if line.strip()]
    if not 1 <= len(lines) <= MAX_LIVE_SECRETS:
        raise _unusable(setting, file, f"holds {len(lines)} lines: expected one secret a line, two at most")
    for number, line in enumerate(lines, 1):
        if problem := _problem_of(line):
            raise _unusable(setting, file, f"line {number} {problem}")
    return tuple(Secret(line.decode("ascii")) for line in lines)


def sign(secrets: tuple[Secret, ...], message_id: str, at: datetime, body: bytes) -> str:
    """The header `webhook-signature`: one signature a secret, in their order.

    Args:
        secrets: As `read_signing_secrets` gives them.
        message_id: The header `webhook-id`.
        at: Time of the attempt, in UTC: the header `webhook-timestamp` in whole seconds.
        body: UTF-8, exactly as it is sent.
    """
    text = body.decode("utf-8")
    return " ".join(Webhook(secret.reveal()).sign(message_id, at, text) for secret in secrets)


def _problem_of(line: bytes) -> str:
    """What is wrong with a secret; empty: nothing."""
    if not line.startswith(_PREFIX.encode()):
        return f"does not begin with {_PREFIX}"
    try:
        key = base64.b64decode(line[len(_PREFIX) :], validate=True)
    except binascii.Error:
        return f"is not base64 behind {_PREFIX}"
    if len(key) not in _KEY_BYTES:
        return f"holds a key of {len(key)} bytes: expected {_KEY_BYTES.start} to {_KEY_BYTES.stop - 1}"
    return ""


def _unusable(setting: str, file: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{setting}: {file} {why}")
