"""A process that writes into a store until it is killed.

python -m tests.pipeline.store.writer URL          commits batch after batch and prints the number of each
python -m tests.pipeline.store.writer URL NUMBER   kills itself in the middle of that one
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import msgspec

from pipeline.engine.incidents import Incident
from pipeline.store.settings import MigrateAtStart, StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.store.samples import batch, incident

MANY = 2000


class KillsOnTheWay:
    """Incidents, asked for when parts and positions are written already."""

    def __iter__(self) -> Iterator[Incident]:
        """Give one, then die."""
        yield incident(revision=1)
        os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, last: int | None) -> None:
    """Commit one batch after the other."""
    store = SqlStore.open(StoreSettings(url=url, migrate_at_start=MigrateAtStart.ALWAYS))
    claim = store.claim("writer", 0.0)
    assert claim is not None
    number = 1
    while True:
        commit = batch(number, parts=MANY)
        if number == last:
            commit = msgspec.structs.replace(commit, incidents=KillsOnTheWay())
        store.commit(commit, claim.epoch)
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
