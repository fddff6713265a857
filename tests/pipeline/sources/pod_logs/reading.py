"""Reads a container of the fake cluster as the source does, and checks what came."""

from __future__ import annotations

import contextlib
import random
from itertools import pairwise

import msgspec

from pipeline.sources.pod_logs.following import Follower
from pipeline.sources.pod_logs.pods import ContainerId
from pipeline.sources.pod_logs.positions import History, Position, decode_position
from pipeline.sources.pod_logs.turns import Turns
from tests.pipeline.sources.pod_logs.fake_cluster import CONTAINER, FakeCluster

ATTEMPTS = 60


class _EnoughError(Exception):
    """The follower waits for its next attempt, and is left there."""


class Reading:
    """An `Outbox`, with one follower after the other."""

    def __init__(self, cluster: FakeCluster, first: Position | None = None) -> None:
        self.numbers: dict[int, int] = {}  # what stands in each line
        self.gaps: dict[int, str] = {}
        self.details: dict[int, str] = {}
        self._cluster = cluster
        self._history = History(first or Position(1, 1, 0))
        self._is_first_sight = True
        self._left = 0  # attempts
        self._follower = self._begin()

    def lines(self, container: ContainerId, lines: list[tuple[int, bytes]]) -> None:
        for number, line in lines:
            assert number not in self.numbers
            self.numbers[number] = int(line.rpartition(b"=")[2])

    def gap(self, container: ContainerId, first: int, reason: str, detail: str) -> None:
        self.gaps[first], self.details[first] = reason, detail

    def mark(self, container: ContainerId, first: int) -> None:
        assert first not in self.numbers

    def attempt(self, count: int) -> None:
        """So many connections."""
        self._left = count
        with contextlib.suppress(_EnoughError):
            while self._left > 0 and not self._follower.is_done:
                self._follower.run()

    def _wait(self, _seconds: float) -> None:
        self._left -= 1
        if self._left <= 0:
            raise _EnoughError

    def _begin(self) -> Follower:
        return Follower(
            self._cluster,
            CONTAINER,
            self._history,
            self,
            idle_seconds=1,
            is_first_sight=self._is_first_sight,
            turns=Turns(1, 10.0),
            wait=self._wait,
        )

    def give_way(self) -> None:
        """Another log has its turn."""
        self._follower.give_way()

    def go_back(self, chance: random.Random) -> None:
        """The daemon was killed: what was not committed is forgotten, and read again."""
        position = self._history.position(max(1, self._history.next_line - chance.randint(0, 6)))
        line, stored = position.line, msgspec.json.encode(position)
        self.numbers = {number: name for number, name in self.numbers.items() if number < line}
        self.gaps = {number: reason for number, reason in self.gaps.items() if number < line}
        self._history = History(decode_position(CONTAINER.stream, stored))
        self._is_first_sight = False
        self._follower = self._begin()

    def finish(self) -> None:
        """Nothing happens any more: everything that is served is read."""
        if self._cluster.is_waiting:
            self._cluster.begin()
        self._cluster.tell()
        self._cluster.write()
        for _ in range(ATTEMPTS):
            if self._cluster.written - 1 in self.numbers.values():
                return
            self.attempt(1)
        raise AssertionError("the newest line never came")

    def check(self) -> None:
        """In order, nothing twice, and where lines are missing a gap says so.

        But for one case: a log that was rotated before its first line was read, within seconds, or before its status
        came.
        """
        in_order = sorted(self.numbers.items())
        names = [name for _, name in in_order]
        assert names == sorted(set(names)), "twice, or out of order"
        for (number, name), (next_number, next_name) in pairwise(in_order):
            is_told = any(number < gap < next_number for gap in self.gaps)
            is_unknowable = self._cluster.is_rotated_head(name + 1, next_name)
            assert next_name == name + 1 or is_told or is_unknowable, f"{name + 1} to {next_name - 1}: nobody says so"
