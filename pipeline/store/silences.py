"""Silences: what nobody is told for a time. They change nothing of the incidents."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import insert, select, update

from parsers.text import scrub
from pipeline.errors import UsageError
from pipeline.store.acknowledging import MAX_AUTHOR_CHARS, MAX_COMMENT_CHARS
from pipeline.store.connections import Database
from pipeline.store.tables import silences


class Silence(msgspec.Struct, frozen=True):
    """Incidents that all matchers match are not told between two times."""

    id: str
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    created_at: datetime


def add_silence(
    database: Database, matchers: Sequence[str], starts_at: datetime, ends_at: datetime, *, author: str, comment: str
) -> Silence:
    """Make a silence; the matchers were checked before.

    Raises:
        UsageError: It has no matcher, or ends before it begins or before now.
        StoreUnavailableError: Nothing was made.
    """
    now = datetime.now(UTC)
    if not matchers:
        raise UsageError("a silence needs a matcher: one without would hide everything")
    if ends_at <= max(starts_at, now):
        raise UsageError("a silence ends after it begins, and later than now")
    silence = Silence(
        id=uuid.uuid4().hex[:20],
        matchers=tuple(matchers),
        starts_at=starts_at,
        ends_at=ends_at,
        author=scrub(author)[:MAX_AUTHOR_CHARS],
        comment=scrub(comment)[:MAX_COMMENT_CHARS],
        created_at=now,
    )
    row = msgspec.structs.asdict(silence) | {"matchers": msgspec.json.encode(silence.matchers).decode()}
    with database.writing("make the silence") as connection:
        connection.execute(insert(silences).values(row))
    return silence


def list_silences(database: Database, *, ends_after: datetime | None = None) -> tuple[Silence, ...]:
    """Silences, those that end first in front.

    Args:
        database: The store.
        ends_after: Only those that are not over at this time; None: all that are still known.

    Raises:
        StoreUnavailableError: The database does not answer.
    """
    query = select(silences).order_by(silences.c.ends_at, silences.c.id)
    if ends_after is not None:
        query = query.where(silences.c.ends_at > ends_after)
    with database.reading("read silences") as connection:
        rows = connection.execute(query).all()
    return tuple(
        Silence(
            id=row.id,
            matchers=msgspec.json.decode(row.matchers, type=tuple[str, ...]),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            author=row.author,
            comment=row.comment,
            created_at=row.created_at,
        )
        for row in rows
    )


def expire_silence(database: Database, identity: str) -> None:
    """End a silence now; one that is over stays as it is.

    Raises:
        UsageError: There is none with this id.
        StoreUnavailableError: Nothing was changed.
    """
    now = datetime.now(UTC)
    with database.writing("end the silence") as connection:
        found = connection.scalar(select(silences.c.ends_at).where(silences.c.id == identity))
        if found is None:
            raise UsageError(f"no silence has the id {identity!r}")
        if found > now:
            connection.execute(update(silences).where(silences.c.id == identity).values(ends_at=now))
