"""Writes down what the daemon takes in and asks of the engine, so that `whystuck replay` tells the same again.

It is used by the pipeline's thread, at the places where that changes its state. A file that cannot be written any more
ends the recording, never the daemon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from parsers.records import Origin
from parsers.redaction import redact
from pipeline.daemon.evaluations import Evaluations
from pipeline.daemon.recorder import Place
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from pipeline.errors import ConfigurationError
from pipeline.own_log.loggers import get_logger
from pipeline.readers import StreamReaders
from pipeline.sources.live import Fetched
from pipeline.sources.recording.file import RecordingFile
from pipeline.sources.recording.lines import LineRedactor, record_block
from pipeline.sources.recording.records import (
    FORMAT,
    AnyRecord,
    Began,
    Committed,
    Continued,
    Ended,
    Finished,
    Forgot,
    Read,
    Released,
    Resumed,
    SilenceTold,
    encode,
)
from pipeline.sources.recording.rotating import make_room
from pipeline.watch_settings import WatchSettings

_log = get_logger("recording")

_Lines = dict[str, dict[str, int]]
"""Numbers of lines, by source and stream."""


class RecordingObserver(Protocol):
    """Is told how the recording is doing."""

    def recorded(self, size_bytes: int, problem: str) -> None:
        """The file has this size; a problem has ended the recording, in a sentence."""
        ...


class RecordingSize(msgspec.Struct, frozen=True):
    """How large a recording may get."""

    max_bytes: int  # of one file, as stored
    file_count: int = 1  # that are kept; 1: the recording ends when the file is full


class FileRecorder:
    """Records into a file."""

    def __init__(
        self,
        path: Path,
        size: RecordingSize,
        version: str,
        engine_settings: EngineSettings,
        observer: RecordingObserver,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the file, behind what it holds.

        Args:
            path: the file; `.gz` and `.zst` are compressed.
            size: how large it may get.
            version: of whystuck.
            engine_settings: those in force.
            observer: is told how it goes.
            now: the time of day.
            monotonic: seconds that only go on.

        Raises:
            ConfigurationError: It cannot be written, is no recording, or another process writes it.
        """
        self.engine_settings = engine_settings
        self._path = path
        self._size = size
        self._full_bytes = size.max_bytes
        self._version = version
        self._observer = observer
        self._now = now
        self._monotonic = monotonic
        self._redactor = LineRedactor()
        self._file: RecordingFile | None = RecordingFile(path)
        self._evaluations = Evaluations(monotonic)
        self._streams: Mapping[Place, StreamReaders] = {}
        self._engine: Engine | None = None
        self._controllers: tuple[Origin, ...] = ()
        if not self._is_full() or self._begin_another():
            self._begin()

    def _begin(self) -> None:
        self._write(Began(FORMAT, self._version, self._now()))
        self._flush()

    def resumed(self, streams: Mapping[Place, StreamReaders], engine: Engine, settings: WatchSettings) -> None:
        """The state is that of the store now, and streams stand there; both are used until the next call."""
        self._evaluations = Evaluations(self._monotonic)
        self._streams, self._engine = streams, engine
        self._controllers = tuple(
            Origin(one.source, one.cluster, one.namespace, one.pod, one.container) for one in settings.controllers
        )
        self._write(Resumed(*self._standing()))

    def _standing(self) -> tuple[datetime, _Lines, _Lines, tuple[Origin, ...], msgspec.Raw, tuple[Incident, ...]]:
        """The fields of a `Standing`."""
        next_lines: dict[str, dict[str, int]] = {}
        positions: dict[str, dict[str, int]] = {}
        for (source, stream), readers in self._streams.items():
            next_lines.setdefault(source, {})[stream] = readers.next_line
            if readers.position() != readers.next_line:
                positions.setdefault(source, {})[stream] = readers.position()
        engine = msgspec.Raw(redact(msgspec.json.encode(self.engine_settings).decode()).encode())
        silences = _silences_of(self._engine.told()) if self._engine is not None else ()
        return self._now(), next_lines, positions, self._controllers, engine, silences

    def read(self, source: str, fetched: Fetched, at: datetime) -> None:
        """This will be taken in."""
        if self._file is None:
            return
        if fetched.objects:  # few versions of them are kept: time must not pass over any
            self._write_evaluation()
            self._evaluations.has_seen_objects = True
        self._evaluations.has_read = True
        blocks = tuple(record_block(block, self._redactor) for block in fetched.blocks)
        self._write(
            Read(
                source,
                fetched.stream,
                at,
                fetched.next_line,
                blocks,
                fetched.objects,
                fetched.newest_at_seconds,
                fetched.quarantined,
                fetched.gaps,
                fetched.is_over,
            )
        )

    def released(self, place: Place, position: int, at: datetime, idle: timedelta) -> None:
        """What was held back of a stream was decided upon, of origins that were silent for so long."""
        self._evaluations.has_read = True
        self._write(Released(*place, at, idle.total_seconds(), position))

    def evaluated(self, engine: Engine, advanced_to: datetime | None = None) -> None:
        """Incidents were looked for. Told at once where they are others now, else now and then."""
        if self._file is not None:
            for record in self._evaluations.note(engine, advanced_to):
                self._write(record)

    def forgot(self, before: datetime) -> None:
        """What was over will be forgotten."""
        self._write_evaluation()
        self._write(Forgot(before))

    def finished(self, at: datetime) -> None:
        """Everything that was held back will be decided upon."""
        self._write_evaluation()
        self._write(Finished(at))

    def prepared(self, changes: Sequence[Incident]) -> None:
        """A commit is about to be made: what it holds is in the file before it is in the store."""
        for incident in _silences_of(changes):
            self._write(SilenceTold(incident))
        self._flush()

    def committed(self) -> None:
        """It was made."""
        self._write(Committed())
        self._flush()
        if self._is_full() and self._begin_another():
            self._begin()
            known = tuple(self._engine.objects()) if self._engine is not None else ()
            self._write(Continued(*self._standing(), known))
            self._flush()
            self._note_head()

    def end(self) -> None:
        """Record no more: the daemon ends."""
        self._write_evaluation()
        self._write(Ended(self._now()))
        self._close("")

    def abandon(self) -> None:
        """Let go of the file as it is: what was not committed need not be in it."""
        if self._file is not None:
            self._file.abandon()
            self._file = None

    def _is_full(self) -> bool:
        return self._file is not None and self._file.size_bytes >= self._full_bytes

    def _note_head(self) -> None:
        """A file is to hold more than the objects at its beginning, however little it may hold."""
        if self._file is not None:
            self._full_bytes = max(self._size.max_bytes, 2 * self._file.size_bytes)

    def _begin_another(self) -> bool:
        """Go on in a new file, where several are kept; says whether there is one now."""
        if self._size.file_count < 2 or self._file is None:
            self._close(f"watch.record_max_bytes is reached: {self._size.max_bytes} bytes")
            return False
        file, self._file = self._file, None
        try:
            file.close()
            make_room(self._path, self._size.file_count)
            self._file = RecordingFile(self._path)
        except (OSError, ConfigurationError) as error:
            problem = str(error) if isinstance(error, ConfigurationError) else _words(error)
            _log.error("recording.ended", path=str(self._path), problem=problem)
            self._observer.recorded(file.size_bytes, problem)
            return False
        self._full_bytes = self._size.max_bytes
        _log.info("recording.continued", path=str(self._path))
        return True

    def _flush(self) -> None:
        if self._file is None:
            return
        try:
            self._file.flush()
        except OSError as error:
            self._stop(error)
        else:
            self._observer.recorded(self._file.size_bytes, "")

    def _close(self, problem: str) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
        except OSError as error:
            problem = _words(error)
        if problem:
            _log.warning("recording.ended", path=str(self._path), problem=problem)
        self._observer.recorded(file.size_bytes, problem)

    def _write_evaluation(self) -> None:
        for record in self._evaluations.take():
            self._write(record)

    def _write(self, record: AnyRecord) -> None:
        if self._file is None:
            return
        try:
            self._file.add(encode(record))
        except OSError as error:
            self._stop(error)

    def _stop(self, error: OSError) -> None:
        """Go on without a recording."""
        assert self._file is not None
        file, self._file = self._file, None
        file.abandon()
        _log.error("recording.ended", path=str(self._path), problem=_words(error))
        self._observer.recorded(file.size_bytes, _words(error))


def _silences_of(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    return tuple(incident for incident in incidents if incident.kind == "source_silent")


def _words(error: OSError) -> str:
    return f"cannot be written: {(error.strerror or type(error).__name__).lower()}"
