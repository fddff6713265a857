"""Where a follower puts what it reads."""

from __future__ import annotations

from typing import Protocol

from pipeline.sources.pod_logs.pods import ContainerId


class Outbox(Protocol):
    """Waits while there is no room."""

    def lines(self, container: ContainerId, lines: list[tuple[int, bytes]]) -> None:
        """Lines, each with its number."""
        ...

    def gap(self, container: ContainerId, first: int, reason: str, detail: str) -> None:
        """Lines are missing; the gap has a number of its own."""
        ...

    def mark(self, container: ContainerId, first: int) -> None:
        """Reading goes on in another incarnation, or is over."""
        ...
