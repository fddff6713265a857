"""The names that stand in the matchers of silences, so that they can be hidden."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pipeline.delivery.matching import parse_matcher
from pipeline.errors import ConfigurationError
from pipeline.report.masking import Masker
from pipeline.store.silences import Silence

_NAMING_LABELS = {
    "cluster": "cluster", "namespace": "namespace", "culprit_namespace": "namespace", "culprit": "service",
    "owner": "owner",
}  # fmt: skip


class _Named(msgspec.Struct, frozen=True):
    kind: str
    name: str
    namespace: str = ""


class _Keyed(msgspec.Struct, frozen=True):
    key: str


def learn_silences(masker: Masker, silences: Iterable[Silence]) -> None:
    """Learn the names in silences; what a pattern matches is learned as it is written."""
    for silence in silences:
        for text in silence.matchers:
            try:
                matcher = parse_matcher(text)
            except ConfigurationError:
                continue  # written by a newer version
            if matcher.name in _NAMING_LABELS:
                masker.learn_rows((_Named(_NAMING_LABELS[matcher.name], matcher.value),))
            elif matcher.name == "key":
                masker.learn_rows((_Keyed(f"rollout {matcher.value}"),))
