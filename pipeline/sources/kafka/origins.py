"""Whose lines a record holds: cluster, namespace, pod and container out of headers, JSON fields, key and topic."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import regex

from parsers.records import Origin
from parsers.text import scrub
from pipeline.errors import ConfigurationError
from pipeline.sources.kafka.clients import Partition, Record
from pipeline.sources.kafka.settings import KafkaOrigin

PARTS = ("cluster", "namespace", "pod", "container")
MAX_PART_CHARS = 253
"""No name in Kubernetes is longer."""
MAX_KEY_BYTES = 1024
MAX_REMEMBERED = 10_000
PATTERN_SECONDS = 0.05
"""A user's pattern that takes longer does not match: it must not stop the stream."""


class OriginFinder:
    """Finds the origin of records."""

    def __init__(self, settings: KafkaOrigin, source: str) -> None:
        """Prepare.

        Args:
            settings: where to look.
            source: name of the source, for messages.

        Raises:
            ConfigurationError: A pattern is wrong.
        """
        self._topic_pattern = _compile(settings.topic_pattern, f"kafka {source}: origin.topic_pattern")
        self._key_pattern = _compile(settings.key_pattern, f"kafka {source}: origin.key_pattern")
        self._fixed = {"cluster": settings.cluster} if settings.cluster else {}
        self._headers = {name: part for part, name in _named(settings, "header").items()}
        self._fields = {part: tuple(path.split(".")) for part, path in _named(settings, "field").items()}
        self._of_partition: dict[Partition, Origin] = {}
        self._remembered: dict[tuple[object, ...], Origin] = {}

    @property
    def is_by_partition(self) -> bool:
        """All records of a partition have one origin."""
        return self._key_pattern is None and not self._headers and not self._fields

    def of_partition(self, partition: Partition) -> Origin:
        """What is known without looking at a record."""
        origin = self._of_partition.get(partition)
        if origin is None:
            parts = self._fixed | _match(self._topic_pattern, partition.topic)
            origin = self._of_partition[partition] = Origin(source=partition.stream, **parts)
        return origin

    def of_record(self, partition: Partition, record: Record) -> Origin:
        """The origin of one record."""
        headers = tuple(pair for pair in record.headers if pair[0] in self._headers) if self._headers else ()
        fields = self._read_fields(record.value) if self._fields else ()
        key = record.key if self._key_pattern is not None else None
        seen = (partition, key, headers, fields)
        origin = self._remembered.get(seen)
        if origin is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            parts = self._of_key(key) | self._of_headers(headers) | dict(fields)
            origin = self._remembered[seen] = msgspec.structs.replace(self.of_partition(partition), **parts)
        return origin

    def _of_key(self, key: bytes | None) -> dict[str, str]:
        if key is None or len(key) > MAX_KEY_BYTES:
            return {}
        return _match(self._key_pattern, key.decode("utf-8", "replace"))

    def _of_headers(self, headers: tuple[tuple[str, bytes | None], ...]) -> dict[str, str]:
        values = {
            self._headers[name]: _clean((value or b"")[:MAX_KEY_BYTES].decode("utf-8", "replace"))
            for name, value in headers
        }
        return {part: value for part, value in values.items() if value}

    def _read_fields(self, value: bytes | None) -> tuple[tuple[str, str], ...]:
        if not value or value.lstrip()[:1] != b"{":
            return ()
        try:
            document = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return ()
        found = ((part, _clean(_walk(document, path))) for part, path in self._fields.items())
        return tuple((part, text) for part, text in found if text)


def _named(settings: KafkaOrigin, kind: str) -> dict[str, str]:
    """What is set, by part: names of headers, or paths of fields."""
    names = {
        "header": (settings.cluster_header, settings.namespace_header, settings.pod_header, settings.container_header),
        "field": (settings.cluster_field, settings.namespace_field, settings.pod_field, settings.container_field),
    }
    return {part: name for part, name in zip(PARTS, names[kind], strict=True) if name}


def _compile(pattern: str, setting: str) -> regex.Pattern[str] | None:
    if not pattern:
        return None
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ConfigurationError(f"{setting}: not a regular expression: {error}") from error
    unknown = set(compiled.groupindex) - set(PARTS)
    if unknown or not compiled.groupindex:
        raise ConfigurationError(f"{setting}: expected named groups out of {', '.join(PARTS)}, as in (?P<cluster>.+)")
    return compiled


def _match(pattern: regex.Pattern[str] | None, text: str) -> dict[str, str]:
    try:
        match = None if pattern is None else pattern.fullmatch(text, timeout=PATTERN_SECONDS)
    except TimeoutError:
        return {}
    if match is None:
        return {}
    return {part: cleaned for part, value in match.groupdict().items() if (cleaned := _clean(value))}


def _walk(document: object, path: tuple[str, ...]) -> object:
    """The value at a path; a name that holds dots itself, as labels do, is found as well."""
    for length in range(len(path), 0, -1):
        if isinstance(document, Mapping) and (below := document.get(".".join(path[:length]))) is not None:
            return below if length == len(path) else _walk(below, path[length:])
    return None


def _clean(value: object) -> str:
    return scrub(value[:MAX_PART_CHARS]).strip() if isinstance(value, str) else ""
