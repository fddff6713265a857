"""`whystuck watch --from kubernetes` that notes which lines it has committed, in the transaction that commits them.

    python -m tests.servers.noting watch --config FILE

The notes are a table of their own in the daemon's store: the number of a line in its stream, and the number that stands
in the line.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, Engine, event

from pipeline.cli.loading import load
from pipeline.daemon.daemon import Steps
from pipeline.daemon.watch import Loaded, Watch
from pipeline.errors import InterruptionError
from pipeline.own_log.setup import set_up_log
from pipeline.sources.live import Fetched, SourceStatus
from pipeline.sources.pod_logs.source import PodLogSource
from tests.servers.pod_log_story import number_of

TABLE = "CREATE TABLE IF NOT EXISTS noted (place INTEGER, number INTEGER, PRIMARY KEY (place, number))"

Notes = list[tuple[int, int]]


class NotingSource:
    """A `LiveSource` in front of another one: knows what stands in every read that was handed out."""

    def __init__(self, source: PodLogSource) -> None:
        self._source = source
        self.name = source.name
        self.handed_out: deque[Notes] = deque()  # one for each read, as the daemon's queue holds them

    def start(self, positions: Mapping[str, bytes]) -> None:
        self._source.start(positions)
        self.handed_out.clear()

    def read(self, timeout_seconds: float) -> Fetched | None:
        fetched = self._source.read(timeout_seconds)
        if fetched is not None:
            self.handed_out.append(
                [
                    (place, number_of(line))
                    for block in fetched.blocks
                    for place, line in zip(block.line_numbers or (), block.data.splitlines(), strict=True)
                ]
            )
        return fetched

    def position(self, stream: str, line: int) -> bytes:
        return self._source.position(stream, line)

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        self._source.acknowledge(lines)

    def status(self) -> SourceStatus:
        return self._source.status()

    def close(self) -> None:
        self._source.close()


class NotingSteps(Steps):
    """What was fed since the last commit is noted with the next one."""

    def __init__(self, source: NotingSource) -> None:
        self._source = source
        self._fed: Notes = []
        self._is_committing = False

    def reached(self, step: str) -> None:
        self._is_committing = step == "prepared"
        if step == "fed":
            self._fed += self._source.handed_out.popleft()
        if step == "committed":
            self._fed.clear()

    def commit(self, connection: Connection) -> None:
        """Within the transaction of a commit, before its end."""
        if self._is_committing and self._fed:
            connection.exec_driver_sql(TABLE)
            connection.exec_driver_sql("INSERT OR IGNORE INTO noted VALUES (?, ?)", self._fed)


def main() -> None:
    _watch, _config, file = sys.argv[1:]
    loaded = Loaded(*load(Path(file), None, {}))
    set_up_log(loaded.configuration.log, sys.stderr)
    settings = loaded.configuration.kubernetes
    assert settings is not None
    source = NotingSource(PodLogSource(settings))
    steps = NotingSteps(source)
    event.listen(Engine, "commit", steps.commit)
    try:
        Watch(loaded, [source], version("whystuck"), steps=steps).run()
    except InterruptionError as error:
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
