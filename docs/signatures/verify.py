"""Verify a Standard Webhooks signature with Python's standard library.

Usage: verify.py SECRET ID TIMESTAMP SIGNATURES <body
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import sys
import time

TOLERANCE_SECONDS = 300


def verify(secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, now: float) -> bool:
    """Whether one of the signatures is right and the timestamp is at most five minutes from now (Unix seconds).

    Raises:
        ValueError: the secret is not `whsec_` and base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("the secret is not base64") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    return any(hmac.compare_digest(expected, candidate.encode()) for candidate in signatures.split(" "))


if __name__ == "__main__":
    secret, message_id, timestamp, signatures = sys.argv[1:]
    sys.exit(not verify(secret, message_id, timestamp, signatures, sys.stdin.buffer.read(), time.time()))
