"""The two kinds of metric families that prometheus-client has not: series replaced as a whole, and bounded labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

OTHER = "other"
"""The value of a label that stands for all that are too many."""


class SnapshotGauge(Collector):
    """A gauge whose series are replaced as a whole: what is gone is no series, and no scrape sees half of it."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._series: Mapping[tuple[str, ...], float] = {}
        registry.register(self)

    def replace(self, series: Mapping[tuple[str, ...], float]) -> None:
        """The values from now on, by the values of the labels."""
        self._series = series

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The family without series: the registry asks for names."""
        yield GaugeMetricFamily(self._name, self._documentation, labels=self._labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The family with its series."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, value in self._series.items():
            family.add_metric(list(values), value)
        yield family


class BoundedLabel:
    """Lets a limited number of values through, the first ones; all others become one. Used by one thread."""

    def __init__(self, limit: int, known: Sequence[str] = ()) -> None:
        self._limit = limit + len(known)
        self._values = set(known)

    def __call__(self, value: str) -> str:
        """The value, or what stands for it."""
        if value not in self._values:
            if len(self._values) >= self._limit:
                return OTHER
            self._values.add(value)
        return value
