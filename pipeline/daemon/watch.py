"""From a configuration to a daemon that runs: parts put together, signals, HTTP; one way in, one way out."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec

from parsers.failures import FailureFinder
from parsers.rules.model import RuleSet
from pipeline.cluster.tally import CallTally
from pipeline.config import Configuration
from pipeline.daemon.daemon import Daemon, Steps
from pipeline.daemon.dispatching import ReceiverDispatch
from pipeline.daemon.ingestion import Ingestion
from pipeline.daemon.notifying import Notifier
from pipeline.daemon.recording import FileRecorder, RecordingSize
from pipeline.daemon.reporting import Reporter
from pipeline.delivery.planner import Planner
from pipeline.delivery.sending.senders import create_sender
from pipeline.engine.engine import Engine
from pipeline.errors import CommitUnknownError, InterruptionError, StoreUnavailableError, WhystuckError
from pipeline.extract import StreamExtractor, scanner_for
from pipeline.http.api import Api
from pipeline.http.scopes import ApiGuard
from pipeline.http.server import HttpServer
from pipeline.metrics.metrics import Metrics
from pipeline.own_log.loggers import get_logger
from pipeline.sources.live import LiveSource
from pipeline.status import DaemonRole, DaemonStatus, StatusBoard
from pipeline.store.connections import Database
from pipeline.store.store import SqlStore

_log = get_logger("daemon")

OPEN_RETRY_SECONDS = 1.0
OPEN_FOR_SECONDS = 10.0
"""How long the store may be away when the daemon starts: a machine that boots brings its database up meanwhile."""


class Loaded(msgspec.Struct, frozen=True):
    """What is read from files at the start, and again at SIGHUP."""

    configuration: Configuration
    rules: RuleSet


class Clocks(msgspec.Struct, frozen=True):
    """What the daemon's loop takes the time from."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The time of day: people and protocols set it, so it may jump."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that only go on."""


class Watch:
    """One run of `whystuck watch`."""

    def __init__(
        self,
        loaded: Loaded,
        sources: Sequence[LiveSource],
        version: str,
        *,
        load: Callable[[], Loaded] | None = None,
        ends_when_caught_up: bool = False,
        steps: Steps | None = None,
        clocks: Clocks | None = None,
        calls: CallTally | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            loaded: what is in force.
            sources: where lines come from; their names differ.
            version: of whystuck, for the metrics.
            load: reads configuration and rules anew, for SIGHUP; None: that is not possible.
            ends_when_caught_up: end as a replay does, when everything that is there now was read.
            steps: for tests.
            clocks: for tests; None: those of the machine.
            calls: of the sources, to API servers.
        """
        self._loaded = loaded
        self._sources = {source.name: source for source in sources}
        self._version = version
        self._load = load
        self._ends_when_caught_up = ends_when_caught_up
        self._steps = steps
        self._clocks = clocks or Clocks()
        self._received: int | None = None
        self._recorder: FileRecorder | None = None
        configuration = loaded.configuration
        self._metrics = Metrics(configuration.metrics, version, are_names_hidden=configuration.redact.names)
        if calls is not None:
            self._metrics.show_calls(calls)
        self._board = StatusBoard(DaemonStatus(DaemonRole.STARTING, datetime.now(UTC)))
        self._reporter = Reporter(self._board, self._metrics, are_names_hidden=configuration.redact.names)
        self._dispatch = ReceiverDispatch(
            configuration.delivery,
            configuration.store,
            partial(create_sender, version=version),
            self._metrics.deliveries,
        )

    def run(self) -> None:
        """Work until a signal, or until everything is read.

        Raises:
            WhystuckError: It cannot begin, or cannot go on.
            InterruptionError: A signal ended it, in order: what was read is committed.
        """
        with self._recording() as self._recorder, self._serving() as server:
            store = self._open_store()
            try:
                daemon = self._daemon(store)
                with self._signals(daemon, server):
                    daemon.run()
            finally:
                store.close()
        if self._received is not None:
            raise InterruptionError(self._received)

    def _open_store(self) -> SqlStore:
        settings = self._loaded.configuration.store
        deadline = datetime.now(UTC) + timedelta(seconds=OPEN_FOR_SECONDS)
        while True:
            try:
                return SqlStore.open(settings)
            except (StoreUnavailableError, CommitUnknownError) as error:
                self._reporter.store_problem(str(error))
                if datetime.now(UTC) > deadline:
                    raise
                _log.warning("store.away", problem=str(error))
                threading.Event().wait(OPEN_RETRY_SECONDS)

    @contextmanager
    def _recording(self) -> Iterator[FileRecorder | None]:
        """The recording, with its end where the daemon ends in order."""
        configuration = self._loaded.configuration
        path, size = configuration.watch.record, _recording_size(configuration)
        if path is None:
            yield None
            return
        recorder = FileRecorder(
            Path(path), size, self._version, configuration.engine, self._metrics, now=self._clocks.now
        )
        try:
            yield recorder
            recorder.end()
        finally:
            recorder.abandon()

    def _daemon(self, store: SqlStore) -> Daemon:
        configuration = self._loaded.configuration
        ingestion = Ingestion(
            configuration.watch, self._sources, *_makers(self._loaded), self._reporter, self._recorder
        )
        self._notifier = Notifier(Planner(configuration.delivery), self._dispatch, store)
        return Daemon(
            configuration.watch,
            store,
            self._sources,
            ingestion,
            self._reporter,
            owner=f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}",
            lease_seconds=configuration.store.lease_seconds,
            notifier=self._notifier,
            ends_when_caught_up=self._ends_when_caught_up,
            steps=self._steps,
            monotonic=self._clocks.monotonic,
            now=self._clocks.now,
        )

    @contextmanager
    def _serving(self) -> Iterator[HttpServer | None]:
        settings = self._loaded.configuration.http
        if not settings.enabled:
            yield None
            return
        api = Api(Database(self._loaded.configuration.store), ApiGuard(settings), self._loaded.configuration.redact)
        server = HttpServer(settings, self._board, self._metrics, api)
        server.start()
        try:
            yield server
        finally:
            server.stop()

    @contextmanager
    def _signals(self, daemon: Daemon, server: HttpServer | None) -> Iterator[None]:
        """SIGTERM and SIGINT: end in order, the second one at once; SIGHUP: read the configuration anew."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def end(number: int, _frame: FrameType | None) -> None:
            if self._received is not None:
                os._exit(128 + number)  # what is not committed will be read again
            self._received = number
            daemon.stop()

        def reload(_number: int, _frame: FrameType | None) -> None:
            daemon.reload(partial(self._reload, server=server))

        handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reload}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _reload(self, ingestion: Ingestion, server: HttpServer | None) -> None:
        """What can be changed while it runs is; the last good configuration stays where the new one is wrong."""
        if self._load is None:
            return
        try:
            loaded = self._load()
            if server is not None:
                server.reload()
        except WhystuckError as error:
            _log.error("configuration.refused", problem=str(error))
            return
        old, new = self._loaded.configuration, loaded.configuration
        fixed = [
            name
            for name in ("store", "kafka", "kubernetes", "http", "metrics")
            if getattr(old, name) != getattr(new, name)
        ]
        if old.watch.record != new.watch.record or _recording_size(old) != _recording_size(new):
            fixed.append("watch.record")
        if fixed:
            _log.warning("configuration.needs_restart", sections=",".join(fixed))
        try:
            self._dispatch.change(new.delivery)
        except WhystuckError as error:
            _log.error("configuration.refused", problem=str(error))
            return
        self._loaded = loaded
        if self._recorder is not None:
            self._recorder.engine_settings = new.engine
        self._notifier.planner.change(new.delivery)
        ingestion.change(new.watch, *_makers(loaded))
        _log.info("configuration.loaded")


def _recording_size(configuration: Configuration) -> RecordingSize:
    return RecordingSize(configuration.watch.record_max_bytes, configuration.watch.record_files)


def _makers(loaded: Loaded) -> tuple[Callable[[], Engine], Callable[[], StreamExtractor], FailureFinder]:
    """How engines and extractors are made, and failures taken apart, with the rules and settings in force."""
    finder, scanner = FailureFinder(loaded.rules), scanner_for(loaded.rules)
    settings = loaded.configuration.engine

    def engine() -> Engine:
        return Engine(settings, loaded.rules, evaluate_every=None)

    def extractor() -> StreamExtractor:
        return StreamExtractor(scanner, finder, read_at=datetime.now(UTC))

    return engine, extractor, finder
