"""A cluster's connection as the watch of objects uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

from pipeline.cluster.calls import Call, CallError, Cluster, Stream
from pipeline.cluster.settings import ClusterSettings
from pipeline.sources.objects.api import ApiError
from pipeline.sources.objects.source import ObjectSource
from pipeline.sources.pod_logs.settings import KubernetesSettings

LATE_SECONDS = 30.0
"""A watch that says nothing for so long after the server was to end it is dead."""


class ClusterObjectApi:
    """An `ObjectApi`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._streams: set[Stream] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def get(self, call: Call, query: Mapping[str, str]) -> bytes:
        """The body of an answer. Raises ApiError."""
        try:
            return self._cluster.get(call, query)
        except CallError as error:
            raise _api_error(error) from error

    def stream(self, call: Call, query: Mapping[str, str]) -> Iterator[bytes]:
        """The lines of an answer. Raises ApiError."""
        try:
            stream = self._cluster.open(call, query, idle_seconds=float(query["timeoutSeconds"]) + LATE_SECONDS)
        except CallError as error:
            raise _api_error(error) from error
        return self._lines(stream)

    def cut(self) -> None:
        """End what streams now."""
        with self._lock:
            streams, self._streams = self._streams, set()
        for stream in streams:
            stream.close()

    def close(self) -> None:
        """Cut what still streams."""
        with self._lock:
            self._is_closed = True
        self.cut()
        self._cluster.close()

    def _lines(self, stream: Stream) -> Iterator[bytes]:
        with self._lock:
            self._streams.add(stream)
            if self._is_closed:
                stream.close()
        try:
            yield from _split(stream)
        except CallError as error:
            raise _api_error(error) from error
        finally:
            with self._lock:
                self._streams.discard(stream)
            stream.close()


def _split(pieces: Stream) -> Iterator[bytes]:
    """Whole lines; what an answer ends with in the middle of a line is left out."""
    parts: list[bytes] = []
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            complete = b"".join([*parts, line])
            parts.clear()
            if complete.strip():
                yield complete
        parts.append(rest)


def _api_error(error: CallError) -> ApiError:
    return ApiError(str(error), error.status or None, error.retry_after_seconds)


def object_sources(settings: KubernetesSettings, connect: Callable[[ClusterSettings], Cluster]) -> list[ObjectSource]:
    """A source for each cluster of the settings; none where objects are not wanted."""
    if not settings.objects:
        return []
    sources = []
    for number, each in enumerate(settings.clusters()):
        name = f"{settings.name}-objects" + (f"-{number}" if number else "")
        cluster = connect(each)
        api = ClusterObjectApi(cluster)
        source = ObjectSource(
            name,
            api,
            settings.cluster_name or cluster.name,
            namespaces=settings.object_namespaces,
            secrets=settings.secrets,
        )
        sources.append(source)
    return sources
