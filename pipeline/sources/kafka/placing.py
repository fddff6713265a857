"""Where reading begins and goes on: stored positions, and what the brokers hold, put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.errors import SourceError
from pipeline.sources.kafka.clients import Bounds, ClientTrouble, Inspector, Partition
from pipeline.sources.kafka.observer import Observation
from pipeline.sources.kafka.positions import (
    Placement,
    Position,
    begin_anew,
    continue_at,
    decode_position,
)
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.store.records import Gap


class Placer:
    """Finds the place of every partition."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def place_all(
        self, positions: Mapping[str, bytes], observation: Observation, inspector: Inspector
    ) -> dict[Partition, Placement]:
        """Places at the start of reading; a partition without a leader that was never read is left out.

        Raises:
            SourceError: A stored position makes no sense, or the brokers do not answer.
        """
        stored = {stream: decode_position(stream, value) for stream, value in positions.items()}
        places: dict[Partition, Placement] = {}
        fresh: list[Partition] = []
        for partition in partitions_of(observation):
            position, bounds = stored.get(partition.stream), observation.bounds.get(partition)
            if position is not None:
                if (place := self.place_known(partition, position, observation)) is not None:
                    places[partition] = place
            elif self._is_new_part(partition, stored):
                if bounds is not None:
                    places[partition] = Placement(bounds.start)
            else:
                fresh.append(partition)
        return places | self.place_first(fresh, observation.bounds, inspector)

    def place_known(self, partition: Partition, position: Position, observation: Observation) -> Placement | None:
        """The place of a partition that was read before; None: it has no leader, and the position means nothing."""
        description, bounds = observation.description, observation.bounds.get(partition)
        source = self._settings.name
        if position.is_of(description.topics[partition.topic].id, description.cluster_id):
            return continue_at(source, partition, position, bounds)
        if bounds is None:
            return None
        return begin_anew(source, partition, position, bounds, cluster_id=description.cluster_id)

    def place_first(
        self, partitions: Collection[Partition], bounds: Mapping[Partition, Bounds], inspector: Inspector
    ) -> dict[Partition, Placement]:
        """Places where nothing was ever read, as the setting `start` says; what has no leader is left out.

        Raises:
            SourceError: The brokers do not answer.
        """
        known = {each: bounds[each] for each in partitions if each in bounds}
        match self._settings.start:
            case _ if not known:
                return {}
            case "latest":
                return {each: Placement(held.end) for each, held in known.items()}
            case "earliest":
                return {each: Placement(held.start) for each, held in known.items()}
        try:
            offsets = inspector.offsets_at(known, self._settings.start_at())
        except ClientTrouble as trouble:
            raise SourceError(f"kafka {self._settings.name}: {trouble}") from trouble
        found = {each: offsets.get(each) for each in known}
        return {each: Placement(known[each].end if at is None else at) for each, at in found.items()}

    def _is_new_part(self, partition: Partition, stored: Mapping[str, Position]) -> bool:
        """Whether a partition without a position came after reading had begun: it is read from its beginning.

        A topic named in the configuration may be new there, and old on the brokers: nobody wants its past. One that
        matches a pattern was made meanwhile.
        """
        if self._settings.topic_pattern:
            return bool(stored)
        return any(stream.rpartition("/")[0] == partition.topic for stream in stored)


def partitions_of(observation: Observation) -> list[Partition]:
    """All partitions that there are, in order."""
    topics = observation.description.topics
    return [Partition(name, number) for name in sorted(topics) for number in sorted(topics[name].partitions)]


def vanished(source: str, partition: Partition, offset: int) -> Gap:
    """The gap of a partition that a topic does not have any more since it was made again."""
    detail = f"the topic was made again without this partition; what it held from offset {offset} on was not read"
    return Gap(source, partition.stream, offset, None, "topic_recreated", detail)
