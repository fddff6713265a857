"""Asks the brokers every few seconds, in a thread of its own: reading must not wait for their answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import msgspec
import regex

from pipeline.errors import ConfigurationError
from pipeline.sources.kafka.clients import Bounds, Clients, ClientTrouble, Description, Inspector, Partition
from pipeline.sources.kafka.origins import PATTERN_SECONDS
from pipeline.sources.kafka.settings import KafkaSettings

REOPEN_AFTER = 3
"""So many questions in a row failed: all addresses that are known may be old, begin with the configured ones."""
REOPEN_SECONDS = 3.0


class Observation(msgspec.Struct, frozen=True):
    """What the brokers said at one time."""

    description: Description
    bounds: Mapping[Partition, Bounds]
    at: float  # monotonic seconds


class Observer:
    """Keeps the newest observation."""

    def __init__(
        self, settings: KafkaSettings, clients: Clients, inspector: Inspector, monotonic: Callable[[], float]
    ) -> None:
        """Prepare.

        Args:
            settings: of the source.
            clients: makes the next inspector when this one is of no use any more.
            inspector: asks.
            monotonic: the clock, in seconds.

        Raises:
            ConfigurationError: The topic pattern is wrong.
        """
        self._settings = settings
        self._clients = clients
        self.inspector = inspector
        self._monotonic = monotonic
        self._pattern = _compile(settings)
        self._failure_count = 0
        self._to_note: dict[Partition, int] = {}
        self._noted: dict[Partition, int] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"kafka-observer-{settings.name}", daemon=True)
        self.newest: Observation | None = None
        self.problem = ""  # why the last question was not answered; empty: it was
        self.note_problem = ""  # why positions are not noted in the group

    def start(self) -> None:
        """Observe from now on."""
        self._thread.start()

    def observe(self) -> Observation:
        """Ask now.

        Raises:
            ClientTrouble: There is no answer.
        """
        settings = self._settings
        description = self.inspector.describe(settings.topics or None)
        if self._pattern is not None:
            description = self._select(self._pattern, description)
        partitions = [
            Partition(name, number) for name, topic in description.topics.items() for number in topic.partitions
        ]
        self.newest = Observation(description, self.inspector.bounds(partitions), self._monotonic())
        return self.newest

    def note(self, positions: Mapping[Partition, int]) -> None:
        """Have positions noted in the group, soon."""
        self._to_note = {**self._to_note, **positions}

    def close(self) -> None:
        """Stop, after the positions were noted; within seconds."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(REOPEN_SECONDS + 2)
        self.inspector.close()

    def _run(self) -> None:
        while not self._closing.wait(self._settings.observe_seconds):
            self._observe_or_explain()
            self._note_positions()
        if not self.problem:
            self._note_positions()

    def _observe_or_explain(self) -> None:
        try:
            self.observe()
        except ClientTrouble as trouble:
            self.problem = f"brokers do not answer: {trouble}"
            self._failure_count += 1
            if self._failure_count % REOPEN_AFTER == 0:
                self._reopen()
        else:
            self.problem = ""
            self._failure_count = 0

    def _reopen(self) -> None:
        try:
            fresh = self._clients.open_inspector(REOPEN_SECONDS)
        except (ClientTrouble, ConfigurationError) as trouble:  # a certificate is just being replaced
            self.problem = str(trouble)
            return
        old, self.inspector = self.inspector, fresh
        old.close()

    def _note_positions(self) -> None:
        positions = self._to_note
        if not self._settings.group or positions == self._noted:
            return
        try:
            self.inspector.note_positions(self._settings.group, positions)
        except ClientTrouble as trouble:
            self.note_problem = str(trouble)
        else:
            self.note_problem = ""
            self._noted = positions

    def _select(self, pattern: regex.Pattern[str], all_topics: Description) -> Description:
        topics = {name: topic for name, topic in all_topics.topics.items() if _is_match(pattern, name)}
        problems = {name: problem for name, problem in all_topics.problems.items() if _is_match(pattern, name)}
        return Description(all_topics.cluster_id, topics, problems)


def _compile(settings: KafkaSettings) -> regex.Pattern[str] | None:
    if not settings.topic_pattern:
        return None
    try:
        return regex.compile(settings.topic_pattern)
    except regex.error as error:
        raise ConfigurationError(f"kafka {settings.name}: topic_pattern: not a regular expression: {error}") from error


def _is_match(pattern: regex.Pattern[str], name: str) -> bool:
    try:
        return pattern.fullmatch(name, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False
