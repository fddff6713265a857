"""Connections: one that writes, one that keeps the claim, and some that read; each usable from any thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Engine, QueuePool, create_engine, event

from pipeline.errors import StoreError, StoreUnavailableError
from pipeline.secret import read_secret
from pipeline.store.address import Address, read_address
from pipeline.store.faults import translated, translated_commit, translated_values
from pipeline.store.settings import StoreSettings

MAX_READERS = 4
"""Connections for reading; the API has few users, and the database has others."""

_IDLE_WRITER_SECONDS = 10
"""PostgreSQL ends a transaction whose process stands still, so that its locks keep no standby from taking over."""
_IDLE_READER_SECONDS = 600
"""What is read may go to somebody who turns pages; it locks nothing."""
_PAGES_BEFORE_CHECKPOINT = 4000


class _Limits(msgspec.Struct, frozen=True):
    """How long PostgreSQL bears with a session. 0: for ever."""

    statement_seconds: float
    idle_seconds: int


class Database:
    """A database that answers. Nothing is opened before it is needed."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self.address = read_address(settings.url)
        self._writer = _make_engine(self.address, settings, size=1)
        self._keeper = _make_engine(self.address, settings, size=1)
        self._readers = _make_engine(self.address, settings, size=MAX_READERS, is_reader=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this process, and not a server."""
        return self.address.file is not None

    @contextmanager
    def writing(self, doing: str) -> Iterator[Connection]:
        """A transaction that is committed at the end. One at a time: the next one waits.

        Raises:
            StoreUnavailableError: Nothing was committed.
            CommitUnknownError: Whether it was committed is not known.
            StoreError: The database refuses; nothing was committed.
        """
        with self._transaction(self._writer, doing) as connection:
            yield connection

    @contextmanager
    def keeping(self, doing: str) -> Iterator[Connection]:
        """As `writing`, on a connection that no batch holds up."""
        with self._transaction(self._keeper, doing) as connection:
            yield connection

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing.

        Raises:
            StoreUnavailableError: The store is away or too slow.
            StoreError: The database refuses.
        """
        with translated(self.address, doing), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def alone(self, doing: str) -> Iterator[Connection]:
        """A connection without a transaction and without a limit of time, for maintenance."""
        engine = _make_engine(self.address, self.settings, size=1, is_unlimited=True)
        try:
            with translated(self.address, doing), engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
        finally:
            engine.dispose()

    def close(self) -> None:
        """Let go of all connections."""
        for engine in (self._writer, self._keeper, self._readers):
            engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, doing: str) -> Iterator[Connection]:
        try:
            with translated(self.address, doing), engine.connect() as connection:
                transaction = connection.begin()
                with translated_values(self.address, doing):
                    yield connection
                with translated_commit(self.address):
                    transaction.commit()
        except StoreError:
            engine.dispose()  # what the connection is still good for is not known
            raise


def make_file(file: Path) -> None:
    """An empty SQLite file that nobody else may read.

    Raises:
        StoreUnavailableError: It cannot be made.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailableError(f"{file}: cannot make the store: {error.strerror}") from error


def _make_engine(
    address: Address, settings: StoreSettings, *, size: int, is_reader: bool = False, is_unlimited: bool = False
) -> Engine:
    is_sqlite = address.file is not None
    limits = _Limits(
        statement_seconds=0.0 if is_unlimited else settings.statement_timeout_seconds,
        idle_seconds=_IDLE_READER_SECONDS if is_reader else _IDLE_WRITER_SECONDS,
    )
    engine = create_engine(
        address.url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=settings.connect_timeout_seconds,
        pool_pre_ping=not is_sqlite,
        hide_parameters=True,
        connect_args=_sqlite_arguments(settings) if is_sqlite else _postgresql_arguments(address, settings, limits),
    )
    if is_sqlite:
        _prepare_sqlite(engine, is_reader=is_reader)
        return engine
    _read_password(engine, settings)
    return (
        engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) if is_reader else engine
    )


def _sqlite_arguments(settings: StoreSettings) -> dict[str, Any]:
    return {"timeout": settings.connect_timeout_seconds, "isolation_level": None, "check_same_thread": False}


def _prepare_sqlite(engine: Engine, *, is_reader: bool) -> None:
    """Take transactions out of the driver's hands: it would begin them late, and without the lock for writing."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:  # noqa: ANN401  # of the driver
        connection.execute("PRAGMA foreign_keys = ON")
        if is_reader:
            connection.execute("PRAGMA query_only = ON")
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BEFORE_CHECKPOINT}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")


def _postgresql_arguments(address: Address, settings: StoreSettings, limits: _Limits) -> dict[str, Any]:
    """What libpq and the session are told; what the URL says wins."""
    session = {
        "statement_timeout": int(limits.statement_seconds * 1000),
        "lock_timeout": int(settings.statement_timeout_seconds * 1000),
        "idle_in_transaction_session_timeout": limits.idle_seconds * 1000,
        "timezone": "UTC",
    }
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    ours = {
        "application_name": "whystuck",
        "connect_timeout": max(2, round(settings.connect_timeout_seconds)),  # libpq takes 1 for 2
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": int(settings.statement_timeout_seconds * 1000),
        "target_session_attrs": "read-write",  # of several hosts, the primary
    }
    given = address.url.query
    arguments = {name: value for name, value in ours.items() if name not in given}
    return arguments | {"options": f"{options} {given.get('options', '')}".strip()}


def _read_password(engine: Engine, settings: StoreSettings) -> None:
    """The password of each new connection, from its file as it is then: it may have been changed."""

    @event.listens_for(engine, "do_connect")
    def _on_do_connect(_dialect: Dialect, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:  # noqa: ANN401
        secret = read_secret("store.password", settings.password, settings.password_file)
        if secret is not None:
            parameters["password"] = secret.reveal()
