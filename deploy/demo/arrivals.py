"""What has come to the demo's receiver: from the lines that it records, as they grow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.receiver import line


@dataclass(frozen=True)
class Arrival:
    """One message, as it came."""

    at: datetime
    message_id: str  # webhook-id
    problem: str | None  # why its signature was not believed
    is_repeated: bool
    body: str

    @property
    def transition(self) -> str:
        """Of the incident: opened, resolved …; empty, where the body tells of none."""
        incident = json.loads(self.body)
        return str(incident.get("transition", {}).get("name", "")) if isinstance(incident, dict) else ""

    def __str__(self) -> str:
        """As the receiver shows it."""
        return line(self.message_id, self.body.encode(), self.problem, self.is_repeated)


class Arrivals:
    """All messages so far; each one is told as soon as it is seen."""

    def __init__(self, record: Path, tell: Callable[[str], None]) -> None:
        self.record = record
        self._tell = tell
        self._read = 0  # bytes
        self.all: list[Arrival] = []

    def look(self) -> None:
        """Take what has come since."""
        for arrival in self._new():
            self.all.append(arrival)
            self._tell(f"receiver: {arrival}")

    def has(self, transition: str) -> bool:
        """Whether a message that is believed has told of this, as far as was looked now."""
        self.look()
        return any(each.problem is None and each.transition == transition for each in self.all)

    def problems(self) -> list[str]:
        """What must not be: a signature that is wrong, or an id with two bodies."""
        bodies: dict[str, str] = {}
        found = [f"{each.message_id}: {each.problem}" for each in self.all if each.problem]
        changed = [each for each in self.all if bodies.setdefault(each.message_id, each.body) != each.body]
        return [*found, *(f"{each.message_id} came with two bodies" for each in changed)]

    def _new(self) -> Iterator[Arrival]:
        if not self.record.exists():
            return
        with self.record.open("rb") as file:
            file.seek(self._read)
            for row in file:
                if not row.endswith(b"\n"):
                    return
                self._read += len(row)
                read = json.loads(row)
                at = datetime.fromisoformat(read["at"]).astimezone(UTC)
                yield Arrival(at, read["id"], read["problem"], read["repeated"], read["body"])
