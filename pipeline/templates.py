"""Errors that no rule knows, grouped into templates: what is new or grows is told before anybody looks for it.

Only the residue comes here: Drain groups about 1.3 MB a second. Masked texts that were met before are found in a
dictionary, so a storm of one message costs no more than its mask. Memory is bounded by MAX_TEXTS.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from parsers.events import (
    ErrorNotUnderstood,
    Event,
    FailureSeen,
    ObjectKey,
    ReplicasBlocked,
    SyncFailed,
    SyncRefused,
)
from pipeline.engine.masks import template_for

if TYPE_CHECKING:
    from drain3.drain import Drain

WILDCARD = "<*>"
MAX_TEXTS = 5_000
"""Different masked texts that are grouped; records of others are counted only."""
MAX_SAMPLES = 3
MAX_SHOWN_KEYS = 20
MAX_KEYS = 1_000
"""Keys that are told apart per template; `keys_count` ends there."""
MAX_BUCKETS = 512
RECENT_PART = 10
"""The last part of the time covered that counts as recent: a tenth."""
GROWTH = 3
"""A template grows whose rate in the recent part is more than so many times the rate before …"""
MIN_GROWING = 5
"""… and that was met at least so often there."""
MIN_COVERED = timedelta(minutes=10)
"""In less time than this nothing is called new or growing: all of it is recent."""


class Trend(enum.Enum):
    """How a template fares over the time covered."""

    NEW = "new"  # first met in the last tenth
    GROWING = "growing"  # its rate in the last tenth is more than three times that of before
    STEADY = "steady"


class TemplateSample(msgspec.Struct, frozen=True):
    """A text of the template, redacted, and where it was read."""

    source: str
    line: int
    at: datetime
    text: str


class Template(msgspec.Struct, frozen=True, tag_field="frame", tag="templates"):
    """Error texts that differ in variable parts only."""

    template: str  # words, and <*> or # where texts differ
    trend: Trend
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    keys: tuple[str, ...]  # the first MAX_SHOWN_KEYS
    keys_count: int
    samples: tuple[TemplateSample, ...]


class Residue(msgspec.Struct, frozen=True):
    """All templates, the most telling first: new ones, then growing ones, then by count."""

    templates: tuple[Template, ...] = ()
    records_count: int = 0
    ungrouped_count: int = 0  # records beyond the limits: counted, in no template


class _Group:
    """What is remembered of one template."""

    def __init__(self, at: datetime) -> None:
        self.count = 0
        self.first_at = self.last_at = at
        self.keys: dict[ObjectKey, None] = {}
        self.samples: list[TemplateSample] = []
        self.bucket_seconds = 60
        self.buckets: dict[int, int] = {}

    def add(self, event: Event, text: str, key: ObjectKey | None) -> None:
        self.count += 1
        self.first_at, self.last_at = min(self.first_at, event.at), max(self.last_at, event.at)
        if key is not None and len(self.keys) < MAX_KEYS:
            self.keys[key] = None
        if len(self.samples) < MAX_SAMPLES and all(text != sample.text for sample in self.samples):
            self.samples.append(TemplateSample(event.origin.source, event.line, event.at, text))
        bucket = int(event.at.timestamp()) // self.bucket_seconds
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        while len(self.buckets) > MAX_BUCKETS:
            self._widen()

    def _widen(self) -> None:
        self.bucket_seconds *= 2
        wider: dict[int, int] = {}
        for bucket, count in self.buckets.items():
            wider[bucket // 2] = wider.get(bucket // 2, 0) + count
        self.buckets = wider

    def count_since(self, at: datetime) -> int:
        """Records from a time on; as exact as the buckets are."""
        first = int(at.timestamp()) // self.bucket_seconds
        return sum(count for bucket, count in self.buckets.items() if bucket >= first)


class TemplateCollector:
    """Groups the texts of events that no rule understood. The same events in the same order give the same templates."""

    def __init__(self) -> None:
        self._drain: Drain | None = None
        self._cluster_of: dict[str, int] = {}  # by masked text
        self._groups: dict[int, _Group] = {}
        self._records_count = 0
        self._ungrouped_count = 0

    def add(self, event: Event) -> None:
        """Take an event; those that a rule understood are left out."""
        found = text_not_understood(event)
        if found is None:
            return
        text, key = found
        self._records_count += 1
        masked = template_for(text, key)
        cluster = self._cluster_of.get(masked)
        if cluster is None:
            if len(self._cluster_of) >= MAX_TEXTS:
                self._ungrouped_count += 1
                return
            cluster = self._cluster_of[masked] = self._find_cluster(masked)
        group = self._groups.get(cluster)
        if group is None:
            group = self._groups[cluster] = _Group(event.at)
        group.add(event, text, key)

    def _find_cluster(self, masked: str) -> int:
        if self._drain is None:
            from drain3.drain import Drain  # the tree alone: it reads no file, keeps no state and logs nothing

            self._drain = Drain(depth=4, sim_th=0.6, max_children=100, param_str=WILDCARD)
        cluster, _ = self._drain.add_log_message(masked)
        return int(cluster.cluster_id)

    def residue(self, first_at: datetime | None, last_at: datetime | None, *, omitted_count: int = 0) -> Residue:
        """The templates. First and last time are those covered, `omitted_count` are records that never came here."""
        templates = [self._template(cluster, group, first_at, last_at) for cluster, group in self._groups.items()]
        order = list(Trend)
        templates.sort(key=lambda one: (order.index(one.trend), -one.count, one.first_seen_at, one.template))
        return Residue(
            templates=tuple(templates),
            records_count=self._records_count + omitted_count,
            ungrouped_count=self._ungrouped_count + omitted_count,
        )

    def _template(self, cluster: int, group: _Group, first_at: datetime | None, last_at: datetime | None) -> Template:
        assert self._drain is not None
        return Template(
            template=self._drain.id_to_cluster[cluster].get_template(),
            trend=_trend_of(group, first_at or group.first_at, last_at or group.last_at),
            count=group.count,
            first_seen_at=group.first_at,
            last_seen_at=group.last_at,
            keys=tuple(str(key) for key in list(group.keys)[:MAX_SHOWN_KEYS]),
            keys_count=len(group.keys),
            samples=tuple(group.samples),
        )


def text_not_understood(event: Event) -> tuple[str, ObjectKey | None] | None:
    """The text of an event that no rule understood, and whom it concerns; None for all other events."""
    match event:
        case ErrorNotUnderstood():
            return event.text, event.key
        case SyncFailed() | SyncRefused() | FailureSeen() if event.failure.failure_class == "unknown":
            return event.failure.text, event.key
        case ReplicasBlocked(failure=failure) if failure is not None and failure.failure_class == "unknown":
            return failure.text, event.key
        case _:
            return None


def _trend_of(group: _Group, first_at: datetime, last_at: datetime) -> Trend:
    """See Trend; rates are counts by time, of the recent part and of what was covered before it."""
    covered = last_at - first_at
    if covered < MIN_COVERED:
        return Trend.STEADY
    recent_from = last_at - covered / RECENT_PART
    if group.first_at >= recent_from:
        return Trend.NEW
    recent_count = group.count_since(recent_from)
    before_count = group.count - recent_count
    is_faster = recent_count * (RECENT_PART - 1) > GROWTH * before_count
    return Trend.GROWING if is_faster and recent_count >= MIN_GROWING else Trend.STEADY
