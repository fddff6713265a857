"""The source: reads all partitions from the store's positions on, and tells of everything that it cannot read."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from pipeline.errors import ConfigurationError, SourceError, SourceRefusedError
from pipeline.sources.kafka.clients import Clients, ClientTrouble, Partition
from pipeline.sources.kafka.observer import Observation, Observer
from pipeline.sources.kafka.origins import OriginFinder
from pipeline.sources.kafka.placing import Placer, partitions_of, vanished
from pipeline.sources.kafka.positions import Placement, Position
from pipeline.sources.kafka.progress import Progress, ProgressTable
from pipeline.sources.kafka.reading import KafkaCounts, Reading
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.sources.kafka.values import Assembler
from pipeline.sources.live import Fetched, SourceStatus

PATIENCE_SECONDS = 30.0
"""An observation older than this and three rounds is none: the observer hangs."""

FIRST_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
"""Between the first questions, where one was not answered in time."""


class KafkaSource:
    """A `LiveSource`."""

    def __init__(
        self,
        settings: KafkaSettings,
        clients: Clients | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            settings: of the source.
            clients: makes the clients; None: those of the library.
            monotonic: clock for waiting, in seconds.
            now: the time of day.

        Raises:
            ConfigurationError: The settings do not fit.
        """
        settings.check()
        self._settings = settings
        self._closing = threading.Event()
        self._clients = clients or _library_clients(settings, self._closing.wait)
        self._monotonic = monotonic
        self._now = now
        self._placer = Placer(settings)
        self._table = ProgressTable()
        origins = OriginFinder(settings.origin, settings.name)
        assembler = Assembler(settings.name, origins, max_value_bytes=settings.max_value_bytes, now=now)
        self._reading = Reading(
            settings, self._clients, self._table, assembler, wait=self._closing.wait, monotonic=monotonic
        )
        self._pending: deque[Fetched] = deque()
        self._observer: Observer | None = None
        self._adopted: Observation | None = None
        self._begun: frozenset[Partition] = frozenset()  # what there was at the start
        self._begun_at: dict[str, bytes] = {}  # positions of streams of which none was stored yet
        self._topic_problem = ""

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self._settings.name

    @property
    def counts(self) -> KafkaCounts:
        """What was read since the process began."""
        return self._reading.counts

    def start(self, positions: Mapping[str, bytes]) -> None:
        """Read on from these positions, dropping everything that was fetched and not handed out.

        Raises:
            SourceRefusedError: Brokers answer, and do not let us read: credentials, certificates, topics, rights.
            SourceError: No broker can be reached, or a stored position makes no sense.
            ConfigurationError: A file of the security settings cannot be used.
        """
        observer = self._observer or self._connect()
        observation = observer.newest
        assert observation is not None
        # A stream that this process began at the end has to go on there, although the commit that would say so failed.
        known = {**self._begun_at, **positions}
        places = self._placer.place_all(known, observation, observer.inspector)
        self._pending.clear()
        self._table.clear()
        self._adopted = observation
        self._begun = frozenset(partitions_of(observation))
        for partition, place in places.items():
            # Where nothing is stored, the place itself has to be: the next start must not choose another one.
            self._go_on_at(partition, place, observation, is_told=partition.stream not in positions)
        self._tell_vanished(positions, observation)
        self._note_ends(observation)
        self._reading.reassign()

    def read(self, timeout_seconds: float) -> Fetched | None:
        """The next records of one partition; None where nothing came in this time."""
        if not self._pending:
            self._adopt_newest()
        if not self._pending and self._observer is not None:
            self._pending += self._reading.read(timeout_seconds, self._observer.inspector)
        return self._pending.popleft() if self._pending else None

    def position(self, stream: str, line: int) -> bytes:
        """What to store so that reading the stream goes on with this offset."""
        progress = self._table.get(_partition_of(stream))
        if progress is not None:
            return Position(line, progress.topic_id, progress.cluster_id).encode()
        topic_id, cluster_id = self._ids_of(_partition_of(stream), self._adopted)
        return Position(line, topic_id, cluster_id).encode()

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """Note positions in the group, if there is one."""
        if self._settings.group and self._observer is not None:
            self._observer.note({_partition_of(stream): line for stream, line in lines.items()})

    def status(self) -> SourceStatus:
        """How it is doing now."""
        observer, entries = self._observer, self._table.entries()
        if observer is None or observer.newest is None:
            return SourceStatus(is_connected=False, is_caught_up=False, lags={})
        age = self._monotonic() - observer.newest.at
        is_connected = not observer.problem and age < 3 * self._settings.observe_seconds + PATIENCE_SECONDS
        is_caught_up = is_connected and not self._pending and all(map(_is_caught_up, entries.values()))
        problems = (observer.problem, self._topic_problem, self._reading.problem, observer.note_problem)
        problem = next((each for each in problems if each), "")
        return SourceStatus(is_connected, is_caught_up, self._table.lags(self._now().timestamp()), problem)

    def close(self) -> None:
        """Let go of connections, within seconds."""
        self._closing.set()
        self._reading.close()
        if self._observer is not None:
            self._observer.close()

    def observe(self) -> None:
        """Ask the brokers now; else that happens every `observe_seconds`. Raises ClientTrouble."""
        if self._observer is not None:
            self._observer.observe()

    def _connect(self) -> Observer:
        settings = self._settings
        self._clients.check()
        try:
            inspector = self._clients.open_inspector(settings.connect_seconds)
        except ClientTrouble as trouble:
            raise SourceError(f"kafka {settings.name}: {trouble}") from trouble
        try:
            observer = Observer(settings, self._clients, inspector, self._monotonic)
            self._check_topics(self._observe_first(observer))
            self._reading.open(settings.connect_seconds)
        except ClientTrouble as trouble:
            inspector.close()
            raise SourceError(f"kafka {settings.name}: {trouble}") from trouble
        except (SourceError, ConfigurationError):
            inspector.close()
            raise
        observer.start()
        self._observer = observer
        return observer

    def _observe_first(self, observer: Observer) -> Observation:
        """A broker that is slow to answer, as its machine is busy, is no reason to end. Raises ClientTrouble."""
        for _ in range(FIRST_ATTEMPTS - 1):
            try:
                return observer.observe()
            except ClientTrouble:
                self._closing.wait(FIRST_PAUSE_SECONDS)
        return observer.observe()

    def _check_topics(self, observation: Observation) -> None:
        if problems := observation.description.problems:
            texts = "; ".join(f"topic {name}: {problem}" for name, problem in sorted(problems.items()))
            raise SourceRefusedError(f"kafka {self._settings.name}: {texts}")

    def _go_on_at(self, partition: Partition, place: Placement, observation: Observation, *, is_told: bool) -> None:
        topic_id, cluster_id = self._ids_of(partition, observation)
        self._table.place(partition, place.offset, topic_id=topic_id, cluster_id=cluster_id)
        if is_told:
            self._begun_at[partition.stream] = Position(place.offset, topic_id, cluster_id).encode()
        if is_told or place.gap is not None:
            gaps = () if place.gap is None else (place.gap,)
            self._pending.append(Fetched(partition.stream, (), place.offset, gaps=gaps))

    @staticmethod
    def _ids_of(partition: Partition, observation: Observation | None) -> tuple[str, str]:
        """Ids of topic and cluster, as far as they are known."""
        if observation is None:
            return "", ""
        topic = observation.description.topics.get(partition.topic)
        return "" if topic is None else topic.id, observation.description.cluster_id

    def _tell_vanished(self, positions: Mapping[str, bytes], observation: Observation) -> None:
        """Partitions that a topic does not have any more since it was made again with fewer of them."""
        description = observation.description
        for stream, value in positions.items():
            partition, position = _partition_of(stream), msgspec.json.decode(value, type=Position)
            topic = description.topics.get(partition.topic)
            if topic is None or partition.number in topic.partitions:
                continue
            if not position.is_of(topic.id, description.cluster_id):
                gap = vanished(self.name, partition, position.offset)
                self._pending.append(Fetched(stream, (), position.offset, gaps=(gap,)))

    # What the observer saw

    def _adopt_newest(self) -> None:
        """Take over new partitions and topics, and what became of the others."""
        observer = self._observer
        if observer is None or observer.newest is None or observer.newest is self._adopted:
            return
        observation = self._adopted = observer.newest
        self._topic_problem = self._find_topic_problem(observation)
        known = [self._adopt_known(each, progress, observation) for each, progress in self._table.entries().items()]
        is_larger = self._adopt_new(observation, observer)
        self._note_ends(observation)
        if any(known) or is_larger:
            self._reading.reassign()

    def _find_topic_problem(self, observation: Observation) -> str:
        description = observation.description
        gone = {each.topic for each in self._table.entries()} - set(description.topics)
        problems = dict.fromkeys(gone, "it is gone") | dict(description.problems)
        return "; ".join(f"topic {name}: {problem}" for name, problem in sorted(problems.items()))

    def _adopt_known(self, partition: Partition, progress: Progress, observation: Observation) -> bool:
        """A partition that was there before; whether it has to be read differently now."""
        topic = observation.description.topics.get(partition.topic)
        if topic is None:
            self._table.note_presence(partition, is_read=False)
            return progress.is_read
        if partition.number not in topic.partitions:
            self._table.forget(partition)
            gap = vanished(self.name, partition, progress.next_offset)
            self._pending.append(Fetched(partition.stream, (), progress.next_offset, gaps=(gap,)))
            return True
        position = Position(progress.next_offset, progress.topic_id, progress.cluster_id)
        if position.is_of(topic.id, observation.description.cluster_id):
            self._table.note_presence(partition, is_read=True)
            return not progress.is_read
        place = self._placer.place_known(partition, position, observation)
        if place is not None:
            self._go_on_at(partition, place, observation, is_told=True)
        return place is not None

    def _adopt_new(self, observation: Observation, observer: Observer) -> bool:
        """Partitions that were not there before are read from their beginning; those without a leader wait."""
        new = [each for each in partitions_of(observation) if each not in self._table]
        late = [each for each in new if each in self._begun]
        try:
            places = self._placer.place_first(late, observation.bounds, observer.inspector)
        except SourceError:
            places = {}
        for partition in new:
            if partition not in self._begun and (bounds := observation.bounds.get(partition)) is not None:
                places[partition] = Placement(bounds.start)
        for partition, place in places.items():
            self._go_on_at(partition, place, observation, is_told=True)
        return bool(places)

    def _note_ends(self, observation: Observation) -> None:
        for partition, bounds in observation.bounds.items():
            if partition in self._table:
                self._table.note_end(partition, bounds.end)


def _is_caught_up(progress: Progress) -> bool:
    return progress.end is not None and progress.end <= progress.next_offset


def _partition_of(stream: str) -> Partition:
    topic, _, number = stream.rpartition("/")
    return Partition(topic, int(number) if number.isdigit() else -1)


def _library_clients(settings: KafkaSettings, wait: Callable[[float], object]) -> Clients:
    from pipeline.sources.kafka.library import LibraryClients  # the library takes a quarter of a second to import

    return LibraryClients(settings, wait)
