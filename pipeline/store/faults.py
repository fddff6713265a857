"""Errors of the databases, turned into whystuck's: can it work later, is the outcome known, is it refused for good."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pipeline.errors import CommitUnknownError, StoreError, StoreUnavailableError
from pipeline.store.address import Address

# Classes of SQLSTATE: connection, out of resources, operator intervention (shutdown, time-outs), system error;
# and single ones: serialization, deadlock, lock not available, read-only (a primary that became a standby).
_PASSING_CLASSES = frozenset({"08", "53", "57", "58"})
_PASSING_STATES = frozenset({"40001", "40P01", "55P03", "25006", "25P03", "25P04"})
_REFUSALS = (DataError, IntegrityError, ProgrammingError, NotSupportedError)
_LOST_CLASSES = frozenset({"08", "57"})
_PASSING_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL,
    }
)  # fmt: skip


@contextmanager
def translated(address: Address, doing: str) -> Iterator[None]:
    """What happens here, before a commit, is known not to be made where it fails.

    Raises:
        StoreUnavailableError: The store is away, full or too slow.
        StoreError: It refuses, and would again.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreUnavailableError(f"{address}: cannot {doing}: every connection is in use") from error
    except DBAPIError as error:
        kind = StoreUnavailableError if _may_pass(error) else StoreError
        raise kind(f"{address}: cannot {doing}: {_reason(error)}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{address}: cannot {doing}: {type(error).__name__}") from error


@contextmanager
def translated_values(address: Address, doing: str) -> Iterator[None]:
    """Values on their way into statements; what drivers cannot encode they refuse with errors of Python's own.

    Raises:
        StoreError: A text has a lone surrogate, or a number more than 64 bits.
    """
    try:
        yield
    except (UnicodeError, OverflowError) as error:
        raise StoreError(
            f"{address}: cannot {doing}: a value that no database takes: {type(error).__name__}"
        ) from error


@contextmanager
def translated_commit(address: Address) -> Iterator[None]:
    """A commit; if the store went away during it, nobody knows.

    Raises:
        CommitUnknownError: It may have been made.
        StoreUnavailableError: It was not made, and may be later.
        StoreError: It was refused.
    """
    try:
        with translated(address, "commit"):
            yield
    except StoreError as error:
        cause = error.__cause__
        if isinstance(cause, DBAPIError) and _was_lost(cause):
            raise CommitUnknownError(f"{address}: lost during a commit, which may have been made: {error}") from cause
        raise


def _may_pass(error: DBAPIError) -> bool:
    """Whether the same may work later."""
    if isinstance(error.orig, sqlite3.Error):
        code = _sqlite_code(error)
        return code in _PASSING_SQLITE
    if isinstance(error, _REFUSALS):  # some have no SQLSTATE: the driver itself has refused
        return False
    state = _state(error)
    return error.connection_invalidated or not state or state[:2] in _PASSING_CLASSES or state in _PASSING_STATES


def _was_lost(error: DBAPIError) -> bool:
    """Whether the answer to a commit is missing, or says nothing of what is on the disk."""
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_code(error) == sqlite3.SQLITE_IOERR
    state = _state(error)
    return error.connection_invalidated or not state or state[:2] in _LOST_CLASSES


def _sqlite_code(error: DBAPIError) -> int:
    """SQLite's primary result code; the bits above it tell details."""
    return int(getattr(error.orig, "sqlite_errorcode", 0) or 0) & 0xFF


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _reason(error: DBAPIError) -> str:
    """What the database says, on one line: the statement and its values are not in it."""
    lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
    state = _state(error)
    return " ".join(lines[0].split()) + (f" (SQLSTATE {state})" if state else "")
