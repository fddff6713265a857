"""The tables, the same for SQLite and PostgreSQL. A change here needs a migration; a test compares both."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA_VERSION = "0002"
"""The newest migration: what this version of whystuck reads and writes."""


class UtcTime(TypeDecorator[datetime]):
    """An aware time. SQLite knows none: there it is text in UTC, which sorts as the time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC, into the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC, out of it; SQLite gives it without a zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only if it says INTEGER

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),  # created_at, product_version (which made or migrated the tables last)
    Column("value", Text, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("scope", Text, primary_key=True),  # what is claimed
    Column("epoch", BigInteger, nullable=False),  # one more with every claim
    Column("owner", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("commits", BigInteger, nullable=False),  # made in this scope, ever
)

state_parts = Table(
    "state_parts",
    metadata,
    Column("area", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cluster", Text),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("class", Text, nullable=False, key="failure_class"),
    Column("title", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("revision", Integer, nullable=False),
    Column("victim_count", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON of the incident
    Index(None, "status", "updated_at"),
    Index(None, "opened_at", "id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("incident_id", Text, ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("transition", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("is_muted", Boolean, nullable=False),  # history only: nobody is told
    Column("body", LargeBinary, nullable=False),  # JSON of the incident as it was then
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("incident_id", "revision"),
    Index(None, "created_at"),
    sqlite_autoincrement=True,  # a number never comes twice, also after the newest rows are deleted
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),  # in the order of the commits
    Column("id", Text, nullable=False),  # `webhook-id`: the same over retries, restarts, takeover and redrive
    Column("receiver", Text, nullable=False),
    Column("group", Text, nullable=False, key="group_id"),
    Column("occasion", Text, nullable=False),
    Column("state", Text, nullable=False),  # pending | sent | dead | superseded
    Column("body", LargeBinary, nullable=False),  # what is sent, byte for byte
    Column("content_type", Text, nullable=False),
    Column("key_field", Text),  # name of the field that the receiver's key is put into when it is sent
    Column("created_at", UtcTime, nullable=False),
    Column("tried_since_at", UtcTime, nullable=False),  # its commit, or the last redrive
    Column("attempts", Integer, nullable=False),  # those that were begun
    Column("next_attempt_at", UtcTime),  # None: at once
    Column("last_status", Integer),
    Column("last_reason", Text),
    Column("last_detail", Text),
    Column("ended_at", UtcTime),  # None while it is pending
    UniqueConstraint("id"),
    Index(None, "receiver", "state", "number"),
    Index(None, "state", "ended_at"),
    sqlite_autoincrement=True,
)

delivery_incidents = Table(
    "delivery_incidents",
    metadata,
    Column("number", _ROW_NUMBER, ForeignKey("deliveries.number", ondelete="CASCADE"), primary_key=True),
    Column("incident_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Index(None, "incident_id"),
)

disabled_receivers = Table(
    "disabled_receivers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("disabled_at", UtcTime, nullable=False),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("matchers", Text, nullable=False),  # JSON: a list of texts as `severity="warning"`
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index(None, "ends_at"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("incident_id", Text, ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", UtcTime),
    Column("size_bytes", BigInteger),
    Column("sample", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

losses = Table(
    "losses",
    metadata,
    Column("kind", Text, primary_key=True),  # quarantine | gap
    Column("source", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),  # records, as far as their number is known; rows may be deleted
)
