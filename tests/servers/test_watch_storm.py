"""A day of storm through the daemon as a process: its memory does not grow, and it knows every rollout in the end."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from tests.servers.kafka_broker import Broker
from tests.servers.kafka_topics import Topics
from tests.servers.playing import KEPT, kafka_settings
from tests.servers.stored import Stored
from tests.servers.storms import ATTEMPT_SECONDS, BEGAN_AT, attempt
from tests.servers.watching import Watching

KEYS = 100
HOURS = int(os.environ.get("WHYSTUCK_TEST_STORM_HOURS", "24"))
WARM_HOURS = max(1, HOURS // 6)
MAX_GROWTH_MIB = 6.0
"""What the allocator may take and keep; a single object kept of each line would be far more in a day."""
HELD_BACK = 1000
"""Lines at the end of a stream may be counted as skipped, and later as what they turned out to be."""
ROUNDS_AN_HOUR = int(3600 / ATTEMPT_SECONDS)


def _hour(number: int) -> tuple[list[bytes], list[int]]:
    """The lines of one hour, and the time of each record in milliseconds since 1970."""
    lines: list[bytes] = []
    times: list[int] = []
    for round_ in range(number * ROUNDS_AN_HOUR, (number + 1) * ROUNDS_AN_HOUR):
        for key in range(KEYS):
            at = BEGAN_AT + timedelta(seconds=(round_ + key / KEYS) * ATTEMPT_SECONDS)
            new = attempt(key, at, round_ + 10)
            lines += new
            times += [round(at.timestamp() * 1000)] * len(new)
    return lines, times


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _is_committed(stored: Stored, offsets: dict[str, int]) -> bool:
    return stored.next_offsets() == offsets


@pytest.mark.long
def test_a_day_of_storm_in_flat_memory(broker: Broker, tmp_path: Path) -> None:
    """A hundred rollouts that fail every ten seconds for 24 hours, told as fast as they can be read."""
    topics = Topics(broker.address())
    topic = topics.create(settings=KEPT)
    stored = Stored(f"sqlite:///{tmp_path}/whystuck.db")
    settings = {"store": {"url": stored.url}, "kafka": kafka_settings(broker, topic)}
    resident: list[float] = []
    with closing(Watching(tmp_path / "daemon", settings)) as daemon:
        daemon.start()
        written = 0
        for hour in range(HOURS):
            lines, times = _hour(hour)
            topics.produce(topic, lines, codec="lz4", at=times.__getitem__)
            written += len(lines)
            daemon.until(partial(_is_committed, stored, {f"{topic}/0": written}), f"hour {hour}", 1200, every_seconds=1)
            resident.append(_resident_mib(daemon.process.pid))
            print(f"hour {hour + 1}: {written} lines, {resident[-1]:.1f} MiB", flush=True)
            topics.delete_records(topic, written)
        retries = HOURS * ROUNDS_AN_HOUR + 9
        assert 0 <= daemon.metric("whystuck_lines_total") - written <= HELD_BACK
    assert stored.gaps() == stored.quarantined() == []
    victims = [victim for incident in stored.incidents() for victim in incident["victims"]]
    assert {f"api-{key}": retries for key in range(KEYS)} == {each["name"]: each["last_retries"] for each in victims}
    assert max(islice(resident, WARM_HOURS, None)) - resident[WARM_HOURS - 1] < MAX_GROWTH_MIB, resident
