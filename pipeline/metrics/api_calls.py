"""Metrics of what API servers are asked: read from the tally of the sources when they are scraped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.cluster.tally import SECONDS, CallTally, Times


class ApiCallCollector(Collector):
    """The families of a tally."""

    def __init__(self, tally: CallTally, cluster: Callable[[str], str]) -> None:
        """`cluster` gives the value of the label: bounded, or hidden."""
        self._tally = tally
        self._cluster = cluster

    def describe(self) -> Iterator[Metric]:
        """The families without series: the registry asks for names."""
        yield _calls()
        yield _streams()
        yield _seconds()

    def collect(self) -> Iterator[Metric]:
        """The families with their series."""
        calls: Counter[tuple[str, ...]] = Counter()
        for kind, count in self._tally.calls().items():
            calls[self._cluster(kind.cluster), kind.verb, kind.resource, kind.code] += count
        streams: Counter[tuple[str, ...]] = Counter()
        for (cluster, verb, resource), count in self._tally.open_streams().items():
            streams[self._cluster(cluster), verb, resource] += count
        called, opened, seconds = _calls(), _streams(), _seconds()
        for labels, count in sorted(calls.items()):
            called.add_metric(list(labels), count)
        for labels, count in sorted(streams.items()):
            opened.add_metric(list(labels), count)
        for name, times in self._times().items():
            bounds = [*map(str, SECONDS), "+Inf"]
            seconds.add_metric([name], list(zip(bounds, accumulate(times.counts), strict=True)), times.total_seconds)
        yield called
        yield opened
        yield seconds

    def _times(self) -> dict[str, Times]:
        """By the value of the label: several clusters may share one."""
        found: dict[str, Times] = {}
        for cluster, times in sorted(self._tally.times().items()):
            name = self._cluster(cluster)
            other = found.get(name, Times())
            counts = tuple(one + two for one, two in zip(other.counts, times.counts, strict=True))
            found[name] = Times(counts, other.total_seconds + times.total_seconds)
        return found


def _calls() -> CounterMetricFamily:
    labels = ("cluster", "verb", "resource", "code")
    return CounterMetricFamily("whystuck_api_calls", "Calls to API servers, by code.", labels=labels)


def _streams() -> GaugeMetricFamily:
    labels = ("cluster", "verb", "resource")
    return GaugeMetricFamily("whystuck_api_streams", "Answers of API servers that go on.", labels=labels)


def _seconds() -> HistogramMetricFamily:
    return HistogramMetricFamily("whystuck_api_call_seconds", "Time until an answer begins.", labels=("cluster",))
