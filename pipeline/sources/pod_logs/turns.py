"""How many logs are followed at once, and whose turn it is where there are more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Holder(Protocol):
    """Who has a turn, or waits for one."""

    @property
    def may_give_way(self) -> bool:
        """Whether nothing of its log is known to be unread, or it cannot be read now."""
        ...

    def give_way(self) -> None:
        """End the turn soon."""
        ...


class Turns:
    """Safe to use from any thread."""

    def __init__(self, count: int, turn_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        """Prepare.

        Args:
            count: of turns at the same time.
            turn_seconds: how long a turn lasts at least where others wait.
            now: seconds of a clock that is never set.
        """
        self._count = count
        self._turn_seconds = turn_seconds
        self._now = now
        self._changed = threading.Condition()
        self._since: dict[Holder, float] = {}  # when each turn began, the longest first
        self._waiting: list[Holder] = []
        self._asked: set[Holder] = set()  # to give way

    def take(self, holder: Holder, timeout_seconds: float) -> bool:
        """Whether its turn has come; else it keeps its place in the queue, and somebody may be asked to give way."""
        with self._changed:
            if holder not in self._waiting:
                self._waiting.append(holder)
            if self._changed.wait_for(lambda: self._is_free_for(holder), timeout_seconds):
                self._waiting.remove(holder)
                self._since[holder] = self._now()
                return True
            longest = self._longest()
        if longest is not None:
            longest.give_way()
        return False

    def end(self, holder: Holder) -> None:
        """It has no turn any more, and waits for none."""
        with self._changed:
            self._since.pop(holder, None)
            self._asked.discard(holder)
            if holder in self._waiting:
                self._waiting.remove(holder)
            self._changed.notify_all()

    def _is_free_for(self, holder: Holder) -> bool:
        return self._waiting.index(holder) < self._count - len(self._since)

    def _longest(self) -> Holder | None:
        """Who is to give way now; nobody, where as many were asked as wait."""
        if len(self._asked) >= len(self._waiting):
            return None
        over = (one for one, since in self._since.items() if since + self._turn_seconds <= self._now())
        longest = next((one for one in over if one not in self._asked and one.may_give_way), None)
        if longest is not None:
            self._asked.add(longest)
        return longest
