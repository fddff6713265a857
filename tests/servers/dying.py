"""`whystuck watch` that kills itself with SIGKILL at a point of its path. Run as a process by tests.

    python -m tests.servers.dying POINT TIMES watch --config FILE

POINT is a step of the daemon's loop, or stands inside a commit: `statement` (before a statement of it is sent) or
`commit` (everything is written, and COMMIT is not sent yet). It dies when the point is reached for the n-th time.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine, event

from pipeline.cli.loading import load
from pipeline.daemon.daemon import Steps
from pipeline.daemon.watch import Loaded, Watch
from pipeline.errors import InterruptionError
from pipeline.own_log.setup import set_up_log
from pipeline.sources.kafka.source import KafkaSource

LOOP_POINTS = ("read", "fed", "prepared", "committed", "acknowledged")
COMMIT_POINTS = ("statement", "commit")
POINTS = (*LOOP_POINTS, *COMMIT_POINTS)


class Killer(Steps):
    """Counts down."""

    def __init__(self, point: str, times: int) -> None:
        self._point = point
        self._left = times
        self._is_committing = False

    def reached(self, step: str) -> None:
        self._is_committing = step == "prepared"
        self._count(step)

    def statement(self, *_arguments: object) -> None:
        if self._is_committing:
            self._count("statement")

    def commit(self, *_arguments: object) -> None:
        if self._is_committing:
            self._count("commit")

    def _count(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            print(f"dies at {point}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    point, times, _watch, _config, file = sys.argv[1:]
    assert point in POINTS
    killer = Killer(point, int(times))
    event.listen(Engine, "before_cursor_execute", killer.statement)
    event.listen(Engine, "commit", killer.commit)
    loaded = Loaded(*load(Path(file), None, {}))
    set_up_log(loaded.configuration.log, sys.stderr)
    kafka = loaded.configuration.kafka
    assert kafka is not None
    try:
        Watch(loaded, [KafkaSource(kafka)], version("whystuck"), steps=killer).run()
    except InterruptionError as error:
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
