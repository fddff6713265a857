"""A list or a line of a watch -> facts. Objects are decoded one at a time, and only their facts are kept.

Sources: k8s.io/apimachinery v0.30 meta/v1: List, ListMeta (`continue`, `resourceVersion`), WatchEvent (ADDED, MODIFIED,
DELETED, BOOKMARK, ERROR with a Status as its object).
"""

from __future__ import annotations

from typing import Any

import msgspec

from parsers.facts.certificates import SecretFacts
from parsers.facts.seen import AnyFacts
from parsers.objects.certificates import read_secret as read_secret_object
from parsers.objects.reading import read_objects
from pipeline.sources.objects.api import ApiError


class _ListMeta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    continued: str = msgspec.field(name="continue", default="")


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None = None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    resource_version: str = msgspec.field(name="resourceVersion", default="")


class _Head(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    code: int | None = None  # of a Status
    message: str = ""


class _WatchEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Written(msgspec.Struct):
    """When a field was written: of which fields that is true is of no interest, and neither are annotations."""

    time: str = ""
    subresource: str = ""


class _SecretMeta(_Meta):
    created: str = msgspec.field(name="creationTimestamp", default="")
    written: list[_Written] = msgspec.field(name="managedFields", default_factory=list)


class _SecretData(msgspec.Struct):
    """All that is ever decoded of a Secret's content: what is not named here is stepped over, byte by byte."""

    served: str = msgspec.field(name="tls.crt", default="")
    authority: str = msgspec.field(name="ca.crt", default="")


class _Secret(msgspec.Struct):
    metadata: _SecretMeta = msgspec.field(default_factory=_SecretMeta)
    data: _SecretData | None = None


class Item(msgspec.Struct, frozen=True):
    """An object as it came: its place and version, and its bytes until somebody wants its facts."""

    namespace: str
    name: str
    resource_version: str
    raw: bytes

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name


class Page(msgspec.Struct, frozen=True):
    """A part of a list."""

    items: tuple[Item, ...]
    resource_version: str
    continued: str  # what to ask for the next part with; empty: it is the last one


class Change(msgspec.Struct, frozen=True):
    """One event of a watch. A bookmark has a version only."""

    type: str
    item: Item


_lists = msgspec.json.Decoder(_List)
_heads = msgspec.json.Decoder(_Head)
_events = msgspec.json.Decoder(_WatchEvent)
_secrets = msgspec.json.Decoder(_Secret)


def read_page(body: bytes) -> Page:
    """A part of a list.

    Raises:
        ApiError: It is none.
    """
    try:
        shell = _lists.decode(body)
        items = tuple(_item(bytes(raw)) for raw in shell.items or ())
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ApiError(f"the list cannot be read: {error}") from error
    return Page(items, shell.metadata.resource_version, shell.metadata.continued)


def read_change(line: bytes) -> Change:
    """One line of a watch.

    Raises:
        ApiError: It says that the watch has ended (status 410: the version is too old), or cannot be read.
    """
    try:
        event = _events.decode(line)
        raw = bytes(event.object)
        head = _heads.decode(raw)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ApiError(f"a line of the watch cannot be read: {error}") from error
    if event.type == "ERROR":
        raise ApiError(f"the watch was ended: {head.message or 'no reason is given'}", head.code)
    return Change(event.type, Item(head.metadata.namespace, head.metadata.name, head.metadata.resource_version, raw))


def read_facts(item: Item, kind: str, api_version: str) -> AnyFacts | None:
    """What is kept of an object; None: nothing, it cannot be read. Items of a list do not say of what kind they are."""
    try:
        document: dict[str, Any] = msgspec.json.decode(item.raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return next(read_objects({"apiVersion": api_version, "kind": kind, **document}), None)


def read_secret(body: bytes) -> SecretFacts | None:
    """The certificates of a Secret; None: it cannot be read. Nothing else of it is decoded, so no error can hold it."""
    try:
        secret = _secrets.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        return None
    meta, data = secret.metadata, secret.data or _SecretData()
    written = [{"time": one.time, "subresource": one.subresource} for one in meta.written]
    metadata = {"name": meta.name, "namespace": meta.namespace, "creationTimestamp": meta.created}
    content = {"tls.crt": data.served, "ca.crt": data.authority}
    return read_secret_object({"kind": "Secret", "metadata": {**metadata, "managedFields": written}, "data": content})


def _item(raw: bytes) -> Item:
    meta = _heads.decode(raw).metadata
    return Item(meta.namespace, meta.name, meta.resource_version, raw)
