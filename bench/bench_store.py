"""How long commits take, beside a plain write and sync of as many bytes on the same disk in the same run.

    python bench/bench_store.py [URL]

Without a URL: SQLite in the working directory's file system. A batch is a number of changed state parts of 300 bytes, a
position and one incident with its outbox row. The load reads everything back.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from parsers.rules.loader import load_rules
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from pipeline.sources.journal import ReadLimits
from pipeline.store.records import Area, Commit, StatePart, StoredPosition
from pipeline.store.settings import MigrateAtStart, StoreSettings
from pipeline.store.store import SqlStore

SAMPLE = Path(__file__).parent.parent / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log"
PARTS_OF_A_BATCH = (10, 1000, 5000)
PART_BYTES = 300
ROUNDS = 15


class Taken(msgspec.Struct):
    """How long something takes, in milliseconds."""

    wall: float
    processor: float  # of this process


def measure(work: Callable[[], object]) -> Taken:
    """Do it once."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Taken((time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000)


def describe(taken: list[Taken]) -> str:
    """The middle and the fastest."""
    walls = [one.wall for one in taken]
    processor = statistics.median(one.processor for one in taken)
    return f"{statistics.median(walls):.1f} ms, fastest {min(walls):.1f} ms, processor {processor:.1f} ms"


def sample_incident() -> Incident:
    """The incident that a sample log holds."""
    files = InputFiles([str(SAMPLE)], ReadLimits(), "")
    (found,) = replay(files, EngineSettings(), load_rules(), read_at=datetime.now(UTC)).incidents
    return found


def batches(count: int, sample: Incident) -> Iterator[Commit]:
    """Commits that change the same parts again and again."""
    number = time.time_ns()  # a database that is used again has other incidents already
    for round_number in range(ROUNDS):
        yield Commit(
            at=datetime.now(UTC),
            parts=tuple(
                StatePart(Area.ENGINE, "eu-1", f"rollout shop/api-{index}", os.urandom(PART_BYTES))
                for index in range(count)
            ),
            positions=(StoredPosition("kafka", "logs/0", b"%d" % round_number),),
            incidents=(msgspec.structs.replace(sample, id=f"{number + round_number:020x}"),),
        )


def write_and_sync(folder: str, size: int) -> None:
    """The least that a durable write costs here."""
    with (Path(folder) / "plain").open("wb") as file:
        file.write(b"x" * size)
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """Measure one store."""
    sample = sample_incident()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/bench.db"
        store = SqlStore.open(StoreSettings(url=url, migrate_at_start=MigrateAtStart.ALWAYS))
        claim = store.claim("bench", 0.0)
        assert claim is not None
        print(store.database.address.url.get_backend_name())
        for count in PARTS_OF_A_BATCH:
            commits = [measure(partial(store.commit, one, claim.epoch)) for one in batches(count, sample)]
            plain = [measure(partial(write_and_sync, folder, count * PART_BYTES)) for _ in range(ROUNDS)]
            print(f"  commit of {count:,} parts: {describe(commits)}")
            print(f"  plain write and sync of as many bytes: {describe(plain)}")
        with store.load() as snapshot:
            loading = measure(lambda: sum(1 for _ in snapshot.parts))
        print(f"  load of {max(PARTS_OF_A_BATCH):,} parts: {loading.wall:.1f} ms")
        store.close()


if __name__ == "__main__":
    main()
