"""A notification as bytes: made once, stored, and sent as it is."""

from __future__ import annotations

import msgspec


class Rendered(msgspec.Struct, frozen=True):
    """What is sent. It holds no secret."""

    body: bytes
    content_type: str
    key_field: str | None = None
    """A field that is put in front of the JSON object in `body` when it is sent: the receiver's key, a secret."""


def put_key(rendered: Rendered, key: str) -> bytes:
    """The bytes to send: the same at every attempt with one key."""
    if rendered.key_field is None:
        return rendered.body
    field = msgspec.json.encode({rendered.key_field: key})
    return field if rendered.body == b"{}" else field[:-1] + b"," + rendered.body[1:]
