"""Delivery with pseudonyms: what is printed or written names no objects, addresses or people, where that is asked for.

Secrets never come this far: the parsers take them out, always. This is about names, and a setting. It works on what is
delivered, so the reasoning before it sees everything. Every text is masked unless its field holds a closed vocabulary:
a new field is masked until somebody says otherwise.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from pipeline.report.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from pipeline.classification import ClassifiedLine
    from pipeline.config import RedactSettings
    from pipeline.engine.incidents import Incident
    from pipeline.replay import ReplayResult
    from pipeline.templates import Residue

Record = TypeVar("Record", bound=msgspec.Struct)

_KEPT_FIELDS = frozenset(
    {
        "schema_version", "id", "fingerprint", "merged_into", "incident", "frame", "transition", "kind", "status",
        "severity", "basis", "reason", "relation", "category", "class", "also", "rule", "type", "pace", "trend",
        "version", "serial_number", "verb", "occasion", "state", "content_type", "receiver",
    }
)  # fmt: skip
"""Fields with a closed vocabulary, and ids. `kind` is a kind of objects, never an object."""
_NAMELESS_CULPRITS = frozenset({"CustomResourceDefinition", "APIService", "APIServer", "Function", "Plugin"})
"""Culprits that are called by a name of the software, not of somebody's object."""


class Masker:
    """Masks records of one run; equal names have equal pseudonyms in all of them."""

    def __init__(self, settings: RedactSettings) -> None:
        self.is_active = settings.names or settings.addresses or settings.emails
        self._needs_all = settings.names or settings.addresses
        self._pseudonyms = Pseudonyms(names=settings.names, addresses=settings.addresses, emails=settings.emails)

    def learn(self, incidents: Iterable[Incident]) -> None:
        """Learn the names of incidents, before any of them is masked."""
        for incident in incidents if self._needs_all else ():
            for victim in incident.victims:
                self._pseudonyms.learn("namespace", victim.namespace)
                self._pseudonyms.learn(victim.kind if victim.kind != "controller" else "pod", victim.name)
            for one in incident.evidence:
                self._pseudonyms.learn("pod", one.provenance.pod)
            self._pseudonyms.learn("cluster", incident.cluster)
            for owner in incident.labels.get("owner", "").split(","):
                self._pseudonyms.learn("owner", owner)
            for culprit in (incident.cause.culprit, *(suspect.culprit for suspect in incident.cause.suspects)):
                if culprit is not None and culprit.kind not in _NAMELESS_CULPRITS:
                    self._pseudonyms.learn("namespace", culprit.namespace)
                    self._pseudonyms.learn(culprit.kind.partition(".")[0].lower(), culprit.name)
            if incident.cause.webhook is not None:
                self._pseudonyms.learn("webhook", incident.cause.webhook.name)
            for link in incident.cause.relations:
                self._learn_object(link.source)
                self._learn_object(link.target)
            self._learn_from(_plain(incident))

    def _learn_object(self, shown: str) -> None:
        """An object as `Rollout production/api`."""
        kind, _, place = shown.partition(" ")
        namespace, _, name = place.rpartition("/")
        self._pseudonyms.learn("namespace", namespace)
        if kind not in _NAMELESS_CULPRITS:
            self._pseudonyms.learn(kind.lower(), name)

    def learn_rows(self, records: Iterable[msgspec.Struct]) -> None:
        """Learn the names in rows of other kinds: `namespace` and `name`, or `key`, and all texts."""
        for record in records if self._needs_all else ():
            row = _plain(record)
            if isinstance(row.get("namespace"), str):
                self._pseudonyms.learn("namespace", row["namespace"])
                self._pseudonyms.learn(row["kind"], row["name"])
            keys = row.get("keys")
            for key in (row.get("key"), *(keys if isinstance(keys, list | tuple) else ())):
                self._learn_key(key)
            self._learn_from(row)

    def mask(self, record: Record) -> Record:
        """The record with pseudonyms. What it names must have been learned."""
        if not self.is_active:
            return record
        return msgspec.convert(self._masked(_plain(record), ""), type(record))

    def mask_all(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """All of them."""
        return tuple(map(self.mask, records))

    def mask_result(self, result: ReplayResult) -> ReplayResult:
        """The result of a replay, with the same pseudonyms in all of its parts."""
        if not self.is_active:
            return result
        self.learn(result.incidents)
        statistics = result.statistics
        if statistics is not None:
            self.learn_rows(statistics.keys)
        return msgspec.structs.replace(
            result,
            incidents=self.mask_all(result.incidents),
            residue=self.mask_residue(result.residue),
            statistics=self.mask(statistics) if statistics is not None else None,
        )

    def mask_residue(self, residue: Residue) -> Residue:
        """What was not understood; also for drafts of rules."""
        if not self.is_active:
            return residue
        self.learn_rows(residue.templates)
        return self.mask(residue)

    def mask_lines(self, lines: Iterable[ClassifiedLine]) -> Iterator[ClassifiedLine]:
        """Lines of a stream. A name may stand in a text before a key tells that it is one: so all are read first."""
        if not self._needs_all:
            yield from map(self.mask, lines)
            return
        from pipeline.classification import ClassifiedLine

        decoder = msgspec.msgpack.Decoder(ClassifiedLine)
        with tempfile.TemporaryFile(prefix="whystuck-") as file:
            for line in lines:
                self.learn_rows((line,))
                encoded = msgspec.msgpack.encode(line)
                file.write(len(encoded).to_bytes(4, "big") + encoded)
            file.seek(0)
            while head := file.read(4):
                yield self.mask(decoder.decode(file.read(int.from_bytes(head, "big"))))

    def _learn_key(self, key: str | None) -> None:
        """`rollout namespace/name`."""
        kind, _, place = (key or "").partition(" ")
        namespace, _, name = place.partition("/")
        self._pseudonyms.learn("namespace", namespace)
        self._pseudonyms.learn(kind, name)

    def _learn_from(self, value: object) -> None:
        for text in _texts(value):
            self._pseudonyms.learn_from(text)

    def _masked(self, value: Any, field: str) -> Any:  # noqa: ANN401  # plain values of any shape
        match value:
            case str() if field in ("key", "keys"):
                kind, blank, place = value.partition(" ")
                return kind + blank + self._pseudonyms.mask(place)
            case str():
                return self._pseudonyms.mask(value, is_command=field == "command")
            case dict():
                return {name: one if name in _KEPT_FIELDS else self._masked(one, name) for name, one in value.items()}
            case list() | tuple():
                return [self._masked(one, field) for one in value]
        return value


def _plain(record: msgspec.Struct) -> dict[str, Any]:
    """The record as dictionaries and lists; times stay times."""
    plain: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(datetime,))
    return plain


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, one in value.items():
                if name not in _KEPT_FIELDS:
                    yield from _texts(one)
        case list() | tuple():
            for one in value:
                yield from _texts(one)
