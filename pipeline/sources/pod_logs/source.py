"""The source: finds containers, follows each of them, hands out what they say."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from pipeline.cluster.calls import CallError, Cluster, Reason
from pipeline.cluster.settings import ClusterSettings
from pipeline.cluster.tally import CallTally
from pipeline.errors import SourceError, SourceRefusedError
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import Fetched, SourceStatus
from pipeline.sources.objects.refusals import sentences
from pipeline.sources.pod_logs.finding import Finder, begin_finding
from pipeline.sources.pod_logs.following import Follower
from pipeline.sources.pod_logs.log_lines import newest_line, previous_end
from pipeline.sources.pod_logs.pieces import pieces_of
from pipeline.sources.pod_logs.pods import ContainerId, Containers, container_of
from pipeline.sources.pod_logs.positions import History, Position, decode_position
from pipeline.sources.pod_logs.settings import KubernetesSettings
from pipeline.sources.pod_logs.turns import Turns
from pipeline.store.records import Gap

_log = get_logger("pod_logs")

QUEUED_PIECES = 64
"""Pieces of at most 64 KiB that wait; then connections do."""
_FATAL = (Reason.FORBIDDEN, Reason.UNAUTHORIZED, Reason.REFUSED)  # the last one: labels that are none


class PodLogSource:
    """A `LiveSource`."""

    def __init__(
        self, settings: KubernetesSettings, connect_with: Callable[[ClusterSettings], Cluster] | None = None
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            settings: of the source.
            connect_with: makes a connection; None: with the kubernetes client.

        Raises:
            ConfigurationError: There is no such context.
        """
        self._settings = settings
        make = connect_with or connect
        clusters = [make(each) for each in settings.clusters()]
        self._clusters = {settings.cluster_name or each.name: each for each in clusters}
        self._generation: _Generation | None = None

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self._settings.name

    def start(self, positions: Mapping[str, bytes]) -> None:
        """Read on from these positions, dropping everything that was fetched and not handed out.

        Raises:
            SourceRefusedError: The API server does not let us find pods.
            SourceError: It cannot be reached, or a stored position makes no sense.
        """
        self._end_generation()
        generation = _Generation(self._settings, self._clusters, positions)
        try:
            generation.find()
        except CallError as error:
            kind = SourceRefusedError if error.reason in _FATAL else SourceError
            raise kind(f"{self._settings.label}: {error}") from error
        generation.start()
        self._generation = generation

    def read(self, timeout_seconds: float) -> Fetched | None:
        """The next lines of one container; None where nothing came in this time."""
        return None if self._generation is None else self._generation.take(timeout_seconds)

    def position(self, stream: str, line: int) -> bytes:
        """What to store so that reading the stream goes on with this line."""
        assert self._generation is not None
        return msgspec.json.encode(self._generation.histories[stream].position(line))

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """Positions before these will not be asked for."""
        for stream, line in lines.items():
            if self._generation is not None and stream in self._generation.histories:
                self._generation.histories[stream].forget_before(line)

    def status(self) -> SourceStatus:
        """How it is doing now."""
        generation = self._generation
        if generation is None:
            return SourceStatus(is_connected=False, is_caught_up=False, lags={})
        return generation.status()

    def close(self) -> None:
        """Let go of connections, within seconds."""
        self._end_generation()
        for cluster in self._clusters.values():
            cluster.close()

    def _end_generation(self) -> None:
        if self._generation is not None:
            self._generation.close()


class _Generation:
    """Everything between one `start` and the next; an `Outbox` of its followers, and told by its finders."""

    def __init__(
        self, settings: KubernetesSettings, clusters: Mapping[str, Cluster], positions: Mapping[str, bytes]
    ) -> None:
        self.histories: dict[str, History] = {}
        self._settings = settings
        self._clusters = clusters
        self._positions = {stream: decode_position(stream, value) for stream, value in positions.items()}
        self._queue: queue.Queue[Fetched] = queue.Queue(QUEUED_PIECES)
        self._closing = threading.Event()
        self._turns = Turns(settings.max_streams, settings.turn_seconds)
        self._lock = threading.Lock()  # of the followers: finders add to them, each on its own thread
        self._followers: dict[ContainerId, Follower] = {}
        self._containers: Containers = {}
        self._finders: list[Finder] = []
        self._is_running = False
        for stream, position in self._positions.items():
            container = container_of(stream)
            if container is not None and container.cluster in clusters and not position.is_ended:
                self._add(container, position, is_first_sight=False)
            else:
                self.histories[stream] = History(position)

    def find(self) -> None:
        """Look for containers in all places. Raises CallError."""
        for name, cluster in self._clusters.items():
            self._finders += begin_finding(self._settings, name, cluster, self)

    def found(self, cluster: Cluster, containers: Containers) -> None:
        """Containers are there."""
        with self._lock:
            is_known = self._followers.keys() | {each for each in containers if each.stream in self._positions}
        for container, state in containers.items():
            if container not in is_known:
                position = self._first_position(cluster, container, state.restarts)
                self._add(container, position, is_first_sight=True)
        self.changed({each: state for each, state in containers.items() if self._containers.get(each) != state})
        self._containers |= containers

    def changed(self, containers: Containers) -> None:
        """Something happened to containers: whoever waits to ask again need not wait any more."""
        for container, state in containers.items():
            if (follower := self._followers.get(container)) is not None:
                follower.wake(state)

    def _first_position(self, cluster: Cluster, container: ContainerId, restarts: int) -> Position:
        """Where to begin in a log that was never read; what comes up while it runs is read from its beginning."""
        if self._settings.start == "latest" and not self._is_running:
            before, newest = previous_end(cluster, container), newest_line(cluster, container)
            return Position(1, 1, restarts, () if newest is None else (newest,), before=before)
        return Position(1, 1, max(0, restarts - 1))

    def start(self) -> None:
        """Let the threads run."""
        self._is_running = True
        for follower in list(self._followers.values()):
            self._run(follower)
        for finder in self._finders:
            threading.Thread(target=finder.run, name="find pods", daemon=True).start()
        threading.Thread(target=self._tell_those_over, name="streams over", daemon=True).start()

    def close(self) -> None:
        """End everything soon; nothing more is handed out."""
        self._closing.set()
        for finder in self._finders:
            finder.close()
        for follower in list(self._followers.values()):
            follower.close()

    def take(self, timeout_seconds: float) -> Fetched | None:
        """The next that was read."""
        try:
            return self._queue.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def status(self) -> SourceStatus:
        """How it is doing now."""
        followers = list(self._followers.values())
        cannot_find = next((each.problem for each in self._finders if each.problem), "")
        nobody = self._nobody()
        # What is read to its end again has no problem, though the answer that shows it goes on.
        troubled = (each.problem for each in followers if each.problem and not each.is_caught_up)
        problem = cannot_find or next(troubled, "") or nobody
        is_caught_up = not cannot_find and all(each.is_caught_up for each in followers) and self._queue.empty()
        lags = {each.container.stream: each.lag() for each in followers if not each.is_done}
        refused = [*(each.refusal for each in self._finders), *(each.refusal for each in followers)]
        refusals = [each for each in refused if each is not None]
        unread = {sentence for each in self._finders for sentence in each.unread} | {*sentences(refusals)}
        return SourceStatus(
            is_connected=not cannot_find,
            is_caught_up=is_caught_up,
            lags=lags,
            problem=problem,
            unread=tuple(sorted(unread)),
            nobody=nobody,
            is_refused=bool(refusals),
        )

    def _nobody(self) -> str:
        """Clusters in which nobody was found; empty: none."""
        followed = {each.cluster for each in list(self._followers)}
        places: dict[str, list[str]] = {}
        for finder in self._finders:
            if finder.cluster_name not in followed:
                places.setdefault(finder.cluster_name, []).append(str(finder.place))
        return "; ".join(
            f"cluster {cluster}: no controller was found: there are no {', no '.join(there)} "
            "(-n, -l, --deployment: where controllers are)"
            for cluster, there in places.items()
        )

    def lines(self, container: ContainerId, lines: Sequence[tuple[int, bytes]]) -> None:
        """Lines, each with its number."""
        for fetched in pieces_of(self._settings.name, container, lines, datetime.now(UTC)):
            self._put(fetched)

    def gap(self, container: ContainerId, first: int, reason: str, detail: str) -> None:
        """Lines are missing."""
        _log.warning("pod_logs.gap", stream=container.stream, reason=reason)
        gap = Gap(self._settings.name, container.stream, first, None, reason, detail)
        self._put(Fetched(container.stream, (), first + 1, gaps=(gap,)))

    def mark(self, container: ContainerId, first: int) -> None:
        """Reading goes on in another incarnation, or is over."""
        self._put(Fetched(container.stream, (), first + 1))

    def _put(self, fetched: Fetched) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(fetched, timeout=0.1)
                return

    def _add(self, container: ContainerId, position: Position, *, is_first_sight: bool) -> None:
        with self._lock:
            if container in self._followers:
                return  # another finder has found it, too
            history = self.histories[container.stream] = History(position)
            follower = self._followers[container] = Follower(
                self._clusters[container.cluster],
                container,
                history,
                self,
                idle_seconds=self._settings.idle_seconds,
                is_first_sight=is_first_sight,
                is_new=is_first_sight and self._is_running,
                turns=self._turns,
            )
        _log.info("pod_logs.found", **msgspec.structs.asdict(container))
        if self._is_running:
            self._run(follower)

    def _run(self, follower: Follower) -> None:
        target = functools.partial(self._follow, follower)
        threading.Thread(target=target, name=f"log {follower.container.pod}", daemon=True).start()

    def _follow(self, follower: Follower) -> None:
        follower.run()
        if follower.is_done:
            container = follower.container
            with self._lock:
                self._positions.setdefault(container.stream, Position(1, 1, 0, is_ended=True))
                del self._followers[container]
            self._put(Fetched(container.stream, (), follower.history.next_line, is_over=True))

    def _tell_those_over(self) -> None:
        """Streams that an earlier process has read to their end, and whose positions it has not deleted."""
        for stream, position in list(self._positions.items()):
            if position.is_ended:
                self._put(Fetched(stream, (), position.line, is_over=True))


def connect(settings: ClusterSettings, tally: CallTally | None = None) -> Cluster:
    """A connection by the kubernetes client, whose calls are counted."""
    from pipeline.cluster.connection import KubeCluster  # the library takes a second to import

    return KubeCluster(settings, tally)
