"""Where the store is, and its limits, with the reason of every default."""

from __future__ import annotations

import enum

import msgspec

from pipeline.secret import Secret


class MigrateAtStart(enum.Enum):
    """Of which database the daemon brings the tables up to date by itself."""

    SQLITE = "sqlite"
    ALWAYS = "always"
    NEVER = "never"


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The database of the daemon. Durations are seconds on the clock."""

    url: str = "sqlite:///whystuck.db"
    """`sqlite:///relative/path`, `sqlite:////absolute/path`, or `postgresql://user@host:port/database?sslmode=…`."""
    password: Secret | None = None
    """Of the PostgreSQL user. None: `password_file`, or how libpq finds one."""
    password_file: str | None = None
    """Holds the password; read at every new connection."""
    migrate_at_start: MigrateAtStart = MigrateAtStart.SQLITE
    """A file belongs to one process, which may change it; a database with replicas is changed on purpose only."""
    lease_seconds: float = 15.0
    """The active daemon loses its claim when it has not renewed it for this long. PostgreSQL only."""
    connect_timeout_seconds: float = 5.0
    """For a connection; of a locked SQLite file, until it is free."""
    statement_timeout_seconds: float = 30.0
    """For one statement on PostgreSQL: a batch takes a fraction of a second."""
    retention_seconds: float = 90 * 86_400.0
    """Incidents that were resolved before are deleted."""
    max_quarantined: int = 10_000
    """Rows kept in the quarantine, and of gaps: the newest. All are counted."""
