"""Bytes of a file -> the objects in it: JSON, JSON lines, several JSON documents, YAML documents.

A list is taken apart item by item, so that memory holds one decoded object at a time. What cannot be read is told as
data (`UnreadableObject`); a document that ends too early still gives the items before its end. Nothing is raised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from parsers.documents import SNIFF_BYTES
from parsers.facts.seen import AnyFacts
from parsers.json_documents import split_json
from parsers.objects.exports import is_export, split_export
from parsers.objects.found import Found, FoundObject, UnknownObject, UnreadableObject
from parsers.objects.reading import read_all, with_kind
from parsers.objects.times import newest_time
from parsers.objects.yaml_documents import split_yaml
from parsers.text import scrub

_MAX_WHY_CHARS: Final = 200
_JSON_STARTS: Final = (b"{", b"[")


class _List(msgspec.Struct):
    """A list whose items are not decoded yet."""

    items: list[msgspec.Raw]
    kind: Any = ""
    api_version: Any = msgspec.field(name="apiVersion", default="")


_list_decoder = msgspec.json.Decoder(_List)


def read_object_documents(data: bytes) -> Iterator[AnyFacts | UnreadableObject]:
    """Facts of all objects of known kinds, and what could not be read."""
    for found in find_objects(data):
        if isinstance(found, FoundObject):
            yield found.facts
        elif isinstance(found, UnreadableObject):
            yield found


def find_objects(data: bytes) -> Iterator[Found]:
    """Everything that a file of Kubernetes objects holds, in its order."""
    if is_export(data[:SNIFF_BYTES]):
        return _find_in_export(data)
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(_JSON_STARTS):
        return _find_in_json(text, 1 + data[: len(data) - len(text)].count(b"\n"))
    return _find_in_yaml(data)


def _find_in_json(text: bytes, line: int) -> Iterator[Found]:
    try:
        shell = _list_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        yield from _find_in_json_documents(text, line)
        return
    version, kind = (value if isinstance(value, str) else "" for value in (shell.api_version, shell.kind))
    position = 0
    for item in shell.items:
        raw = bytes(item)
        start = text.find(raw, position)  # it stands there as it is: the item begins a few bytes on
        line += text.count(b"\n", position, start)
        yield from _read_json(raw, line, version, kind)
        position = start


def _find_in_json_documents(text: bytes, line: int) -> Iterator[Found]:
    """One document, several, or one a line; also what is left of a list that ends too early."""
    whole = _decode(text)
    if isinstance(whole, Mapping):
        yield from _read(whole, text, line)
        return
    is_readable = True
    for number, entry in split_json([text]):
        for found in _read_json(entry, line + number - 1, "", ""):
            was_readable, is_readable = is_readable, not isinstance(found, UnreadableObject)
            if is_readable or was_readable:  # the lines of one broken object are told of once
                yield found


def _read_json(raw: bytes, line: int, version: str, kind: str) -> Iterator[Found]:
    document = _decode(raw)
    if isinstance(document, Mapping):
        yield from _read(with_kind(document, version, kind), raw, line)
    else:
        yield UnreadableObject(line, document if isinstance(document, str) else "it is no object")


def _find_in_export(data: bytes) -> Iterator[Found]:
    for number, raw in split_export(data):
        document = _decode(raw)
        if isinstance(document, Mapping):
            yield from _read(document, raw, number)
        else:
            yield UnreadableObject(number, document if isinstance(document, str) else "it is no object")


def _find_in_yaml(data: bytes) -> Iterator[Found]:
    for line, raw, document in split_yaml(data):
        if isinstance(document, Mapping):
            yield from _read(document, raw, line)
        elif document is not None:
            yield UnreadableObject(line, document if isinstance(document, str) else "it is no object")


def _read(document: Mapping[str, Any], raw: bytes, line: int) -> Iterator[Found]:
    newest_at = newest_time(raw)
    is_deleted = document.get("type") == "DELETED" and "object" in document
    for found in read_all(document):
        yield found if isinstance(found, UnknownObject) else FoundObject(found, line, newest_at, is_deleted)


def _decode(raw: bytes) -> Mapping[str, Any] | list[Any] | str | None:
    """A decoded document; a text says why it could not be decoded."""
    try:
        value: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        value = _decode_tolerantly(raw)
    return value if isinstance(value, Mapping | list | str) else None


def _decode_tolerantly(raw: bytes) -> object:
    """With the standard library, which takes lone surrogates and NaN, and with wrong bytes replaced."""
    try:
        value = json.loads(raw.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        return scrub(str(error))[:_MAX_WHY_CHARS] or type(error).__name__
    return None if isinstance(value, str) else value
